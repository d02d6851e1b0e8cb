// The clients of npm, each asked for something that plain commands can be asked for, too.
import assert from 'node:assert/strict';
import { Blip } from '@dawntech/blip-tools';
import BlipSdk from 'blip-sdk';
import WebSocketTransport from 'lime-transport-websocket';

const { BASE_URL, DESK_KEY, ROUTER_KEY, BRIDGE_PORT } = process.env;
const DESK = 'postmaster@desk.msging.net';
const CRM = 'postmaster@crm.msging.net';
const ANALYTICS = 'postmaster@analytics.msging.net';

async function plain(key, to, uri) {
    const headers = { Authorization: `Key ${key}`, 'Content-Type': 'application/json' };
    const body = JSON.stringify({ id: '1', to, method: 'get', uri });
    const answer = await (await fetch(`${BASE_URL}/commands`, { method: 'POST', headers, body })).json();
    assert.equal(answer.status, 'success', `${uri}: ${JSON.stringify(answer)}`);
    return answer.resource;
}

async function allTickets() {
    const tickets = [];
    for (;;) {
        const { items } = await plain(DESK_KEY, DESK, `/tickets?$skip=${tickets.length}&$take=100`);
        tickets.push(...items);
        if (items.length < 100) return tickets;
    }
}

function blipTools(key) {
    const blip = new Blip({ contract: 'exemplo', authToken: key });
    blip.api.defaults.baseURL = BASE_URL;
    return blip;
}

async function sdk(bot, key) {
    const secret = Buffer.from(key, 'base64').toString().split(':')[1];
    const client = new BlipSdk.ClientBuilder()
        .withIdentifier(bot)
        .withAccessKey(Buffer.from(secret).toString('base64'))
        .withScheme('ws')
        .withHostName('127.0.0.1')
        .withPort(BRIDGE_PORT)
        .withTransportFactory(() => new WebSocketTransport())
        .build();
    await client.connect();
    return client;
}

const router = (await plain(ROUTER_KEY, CRM, `/contacts?$take=1&$filter=endswith(identity,'@wa.gw.msging.net')`)).items[0];

const tests = {
    'blip-tools finds tickets by a filter': async () => {
        const filter = `team eq 'Financeiro' and (status eq 'ClosedAttendant' or status eq 'Transferred')`;
        const found = await blipTools(DESK_KEY).ticket.search({ filter, take: 100 });
        const ended = (ticket) => ['ClosedAttendant', 'Transferred'].includes(ticket.status);
        const expected = (await allTickets()).filter((ticket) => ticket.team === 'Financeiro' && ended(ticket));
        assert.ok(found.length > 5 && found.length <= 100);
        assert.deepEqual(found, expected.slice(0, 100));
    },
    'blip-tools finds tickets by a part of a text': async () => {
        const [one] = await allTickets();
        const filter = `substringof('${one.customerIdentity.slice(0, 24)}',CustomerIdentity)`;
        const found = await blipTools(DESK_KEY).ticket.search({ filter, take: 100 });
        assert.deepEqual(found, (await allTickets()).filter((ticket) => ticket.customerIdentity === one.customerIdentity));
    },
    'blip-tools reads and changes a contact': async () => {
        const blip = blipTools(ROUTER_KEY);
        assert.deepEqual(await blip.contact.get({ identity: router.identity }), router);
        await blip.contact.update({ identity: router.identity, contactData: { city: 'Recife' } });
        const expected = { ...router, city: 'Recife' };
        assert.deepEqual(await plain(ROUTER_KEY, CRM, `/contacts/${router.identity}`), expected);
        assert.deepEqual(await blip.contact.get({ identity: router.identity }), expected);
    },
    'blip-tools records an event without a contact': async () => {
        await blipTools(DESK_KEY).event.createTrackEvent({ category: 'clientes', action: 'node' });
        const { items } = await plain(DESK_KEY, ANALYTICS, '/event-track/clientes/node');
        assert.equal(items.length, 1);
    },
    'blip-tools reads opening hours': async () => {
        const [queue] = (await plain(DESK_KEY, DESK, '/attendance-queues')).items;
        const request = { attendanceContainerId: queue.attendanceHourId };
        const hours = await blipTools(DESK_KEY).attendance.getAttendanceHourContainer(request);
        assert.equal(hours.attendanceHour.id, queue.attendanceHourId);
        assert.equal(hours.attendanceHourScheduleItems.length, 6);
        assert.ok(hours.queues.some((one) => one.id === queue.id));
    },
    'blip-tools finds the identity of a number': async () => {
        const identity = await blipTools(ROUTER_KEY).whatsapp.getIdentity(router.phoneNumber.slice(1));
        assert.equal(identity, router.identity);
    },
    'blip-tools reads what became of a message': async () => {
        const blip = blipTools(ROUTER_KEY);
        let id;
        blip.api.interceptors.request.use((request) => {
            if (request.url === '/messages') id = request.data.id;
            return request;
        });
        await blip.dispatch.sendSimpleMessage({ identity: router.identity, content: 'Olá' });
        const found = await blip.dispatch.getCampaignNotificationStatus({ campaignNotificationId: id });
        assert.deepEqual(found.map((one) => one.event), ['accepted', 'dispatched', 'received', 'consumed']);
        assert.ok(found.every((one) => one.from === router.identity && one.metadata['#envelope.storageDate']));
    },
    'blip-tools names the reason of a refused key': async () => {
        const wrong = Buffer.from('exemplodesk:another').toString('base64');
        const search = blipTools(wrong).ticket.search({ take: 1 });
        await assert.rejects(search, (error) => error.code === 13 && error.message === 'authentication failed');
    },
    'blip-sdk reads threads and a thread': async () => {
        const client = await sdk('exemplorouter', ROUTER_KEY);
        const threads = await client.Chat.getThreads(50);
        assert.deepEqual(threads.resource.items, (await plain(ROUTER_KEY, undefined, '/threads?$take=50')).items);
        const thread = await client.Chat.getThread(router.identity, 100);
        const expected = await plain(ROUTER_KEY, undefined, `/threads/${router.identity}?$take=100`);
        assert.ok(expected.items.length > 0);
        assert.deepEqual(thread.resource.items, expected.items);
        await client.close();
    },
    'blip-sdk sends commands and learns of failures': async () => {
        const client = await sdk('exemplodesk', DESK_KEY);
        const get = (uri) => client.sendCommand({ id: uri, to: DESK, method: 'get', uri });
        assert.deepEqual((await get('/tickets?$take=100')).resource, await plain(DESK_KEY, DESK, '/tickets?$take=100'));
        await assert.rejects(get('/nothing'), (error) => JSON.parse(error.message).reason.code === 62);
        await client.close();
    },
    'blip-sdk is refused with a wrong key': async () => {
        const wrong = Buffer.from('exemplodesk:another').toString('base64');
        await assert.rejects(sdk('exemplodesk', wrong), (session) => session.reason.code === 13);
    },
};

for (const [name, test] of Object.entries(tests)) {
    try {
        await test();
        console.log(`ok: ${name}`);
    } catch (error) {
        console.log(`FAILED: ${name}: ${error?.stack ?? JSON.stringify(error)}`);
    }
}
process.exit(0);
