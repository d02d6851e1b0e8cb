"""The clients of PyPI, each asked for something that plain commands can be asked for, too."""

import asyncio
import base64
import json
import os
import sys
import traceback
import urllib.request
from collections import Counter
from datetime import datetime, timedelta
from urllib.parse import quote

import requests
from blip_report_requisitor import Requisitor
from blip_sdk import ClientBuilder
from blip_session import BlipSession
from blipy.Postmasters import AnalyticsPostmaster
from blipy.Types import Date
from lime_python import Command
from lime_transport_websocket import WebSocketTransport

BASE_URL, DESK_KEY, ROUTER_KEY = (os.environ[name] for name in ("BASE_URL", "DESK_KEY", "ROUTER_KEY"))
DESK, ANALYTICS = "postmaster@desk.msging.net", "postmaster@analytics.msging.net"
CATEGORY = "Pesquisa de satisfação"
OCTOBER = (datetime(2026, 10, 1), datetime(2026, 11, 1))


def plain(key, to, uri):
    command = {"id": "1", "method": "get", "uri": uri} | ({"to": to} if to else {})
    headers = {"Authorization": f"Key {key}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{BASE_URL}/commands", json.dumps(command).encode(), headers)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as response:
        answer = json.load(response)
    assert answer["status"] == "success", f"{uri}: {answer}"
    return answer["resource"]


def all_tickets():
    tickets = []
    while True:
        page = plain(DESK_KEY, DESK, f"/tickets?$skip={len(tickets)}&$take=100")["items"]
        tickets += page
        if len(page) < 100:
            return tickets


def answers_of_october():
    bounds = "startDate=2026-10-01T03:00:00.000Z&endDate=2026-11-01T03:00:00.000Z"
    counters = plain(ROUTER_KEY, ANALYTICS, f"/event-track/{quote(CATEGORY)}?{bounds}&$take=10000")["items"]
    return Counter(action for one in counters for action in [one["action"]] * int(one["count"]))


class Rerouted(requests.adapters.HTTPAdapter):
    """Sends what a client has for Blip to the simulator."""

    def send(self, request, **options):
        request.url = BASE_URL + requests.utils.urlparse(request.url).path
        return super().send(request, **options | {"proxies": {}})


def check(found, expected):
    assert found == expected, f"read {found!r:.400}, the world has {expected!r:.400}"


def session(key):
    client = BlipSession(authorization=f"Key {key}", organization="exemplo")
    client.iris = BASE_URL
    client.session.trust_env = False
    return client


def blip_session_pages_through_tickets():
    client, found = session(DESK_KEY), []
    while True:
        uri = f"/tickets?$skip={len(found)}&$take=100"
        page = client.force_command({"to": DESK, "method": "get", "uri": uri})["resource"]
        check(page["total"], len(page["items"]))
        found += page["items"]
        if len(page["items"]) < 100:
            break
    check(found, all_tickets())
    assert len(found) > 500


def blip_session_reads_its_messages_fates():
    client = session(ROUTER_KEY)
    client.send_message({"id": "m-session", "to": "5531900000001@wa.gw.msging.net", "type": "text/plain", "content": "Olá"})
    answer = client.process_command({"to": "postmaster@msging.net", "method": "get", "uri": "/notifications?id=m-session"})
    check([one["event"] for one in answer["resource"]["items"]], ["accepted", "dispatched", "received", "consumed"])


def blip_session_reads_the_text_of_a_refusal():
    wrong = base64.b64encode(b"exemplodesk:another").decode()
    check(session(wrong).process_command({"method": "get", "uri": "/ping"}), {"code": 13, "description": "authentication failed"})


def requisitor(key):
    client = Requisitor(authorization=key)
    client.Session.mount("https://", Rerouted())
    return client


def requisitor_reads_ended_tickets_of_a_period():
    begin, end = datetime(2026, 11, 10), datetime(2026, 11, 14)
    found = requisitor(DESK_KEY).getTickets(begin, end, take=100)
    inside = lambda one: begin.isoformat() <= one["storageDate"] <= end.isoformat()
    ended = lambda one: one["status"] not in ("Open", "Waiting")
    check(found, [one for one in all_tickets() if inside(one) and ended(one)])
    assert 5 < len(found) < 100


def requisitor_counts_answers():
    client, expected = requisitor(ROUTER_KEY), answers_of_october()
    check(client.getAllCategories(take=1000), [one["category"] for one in plain(ROUTER_KEY, ANALYTICS, "/event-track")["items"]])
    report = client.getCustomReport(CATEGORY, *OCTOBER, take=10_000)
    check({one["acao"]: one["total"] for one in report}, dict(expected))
    assert sum(expected.values()) > 20


def requisitor_counts_active_people():
    bounds = "startDate=2026-10-01T03:00:00.000Z&endDate=2026-11-01T03:00:00.000Z"
    expected = plain(DESK_KEY, ANALYTICS, f"/metrics/active-identity/NI?{bounds}")["items"][0]["count"]
    client = requisitor(DESK_KEY)
    check(client.getMau(*OCTOBER), expected)
    everybody = len(plain(ROUTER_KEY, None, "/threads?$take=100")["items"])
    assert client.getAllMau() >= expected > 0 < everybody


def blipy():
    sys.modules["blipy.Http.__Lime"].BLIP_COMMANDS = f"{BASE_URL}/commands"
    return AnalyticsPostmaster(f"Key {ROUTER_KEY}")


def blipy_reads_categories_counters_and_events():
    client, expected = blipy(), answers_of_october()
    check([one["category"] for one in client.getCategories().Resource.Items], [one["category"] for one in plain(ROUTER_KEY, ANALYTICS, "/event-track")["items"]])
    days = []
    for week in range(5):
        begin = datetime(2026, 10, 1, 3) + timedelta(days=7 * week)
        bounds = [min(at, datetime(2026, 11, 1, 3)) for at in (begin, begin + timedelta(days=7))]
        days += client.getCounters(CATEGORY, *[Date.new(at.year, at.month, at.day, at.hour) for at in bounds]).Resource.Items
    check(Counter(action for one in days for action in [one["action"]] * int(one["count"])), expected)
    # The list's total exceeds its page: this client believes it, so a short period is asked for.
    action = min(expected, key=lambda action: abs(expected[action] - 10))
    events = client.getTrackings(CATEGORY, action, Date.new(2026, 10, 1, 3), Date.new(2026, 11, 1, 3))
    check(len(events.Resource.Items), expected[action])


def blipy_counts_active_messages_by_interval():
    client, bounds = blipy(), (Date.new(2026, 9, 1, 3), Date.new(2026, 11, 1, 3))
    whole = client.getActiveMessages(*bounds).Resource.Items
    for interval, count in (("Daily", 61), ("Monthly", 2)):
        parts = client.getActiveMessages(*bounds, interval).Resource.Items
        check((len(parts), sum(one["count"] for one in parts)), (count, whole[0]["count"]))


async def connected(bot, key):
    secret = base64.b64decode(key).split(b":")[1]
    builder = ClientBuilder().with_identifier(bot).with_access_key(base64.b64encode(secret).decode())
    builder = builder.with_scheme("ws").with_hostname("127.0.0.1").with_port(int(os.environ["BRIDGE_PORT"]))
    client = builder.with_transport_factory(lambda: WebSocketTransport()).build()
    await client.connect_async()
    return client


async def blip_sdk_records_and_reads_events():
    client = await connected("exemplorouter", ROUTER_KEY)
    analytics = client.analytics_extension
    await analytics.create_event_track_async("clientes", "python", extras={"origem": "teste"})
    found = await analytics.get_event_details_async("clientes", "python")
    check([one["extras"] for one in found.resource["items"]], [{"origem": "teste"}])
    counters = await analytics.get_category_actions_counter_async(CATEGORY, "2026-10-01", "2026-10-31", take=10_000)
    check(Counter(action for one in counters.resource["items"] for action in [one["action"]] * int(one["count"])), answers_of_october())
    await client.close_async()


async def blip_sdk_reads_threads_and_tickets():
    client = await connected("exemplorouter", ROUTER_KEY)
    threads = (await client.chat_extension.get_threads_async(take=20)).resource["items"]
    check(threads, plain(ROUTER_KEY, None, "/threads?$take=20")["items"])
    identity = threads[0]["identity"]
    thread = await client.chat_extension.get_thread_async(identity, take=100)
    check(thread.resource["items"], plain(ROUTER_KEY, None, f"/threads/{identity}?$take=100")["items"])
    await client.close_async()
    client = await connected("exemplodesk", DESK_KEY)
    command = Command("get", "/tickets?$take=100")
    command.id, command.to = "tickets", DESK
    check((await client.process_command_async(command)).resource["items"], all_tickets()[:100])
    await client.close_async()


TESTS = [
    blip_session_pages_through_tickets,
    blip_session_reads_its_messages_fates,
    blip_session_reads_the_text_of_a_refusal,
    requisitor_reads_ended_tickets_of_a_period,
    requisitor_counts_answers,
    requisitor_counts_active_people,
    blipy_reads_categories_counters_and_events,
    blipy_counts_active_messages_by_interval,
    blip_sdk_records_and_reads_events,
    blip_sdk_reads_threads_and_tickets,
]

for test in TESTS:
    name = test.__name__.replace("_", " ")
    try:
        asyncio.run(test()) if asyncio.iscoroutinefunction(test) else test()
        print(f"ok: {name}", flush=True)
    except Exception:
        print(f"FAILED: {name}: {traceback.format_exc()}", flush=True)
