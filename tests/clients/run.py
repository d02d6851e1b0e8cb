"""Drives the simulator with public clients of Blip and compares what they read with what plain commands say.

Usage: run.py RELATO FOLDER, where FOLDER has the clients: `node_modules` and a Python environment `python`.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent
relato, folder = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()

# Modules are looked for beside a script: the scripts are copied to where the clients are.
work = Path(tempfile.mkdtemp(dir=folder))
for script in SCRIPTS.glob("*.mjs"):
    shutil.copy(script, work)

started = []


def start(*command):
    """Starts a process and returns the first line that it prints."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    started.append(process)
    return process.stdout.readline()


def run(*command):
    """Runs a script to its end and returns its lines."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=environment, timeout=120)
    return done.stdout.splitlines() + ([] if done.returncode == 0 else [f"FAILED: {command[1]}: exit code {done.returncode}"])


try:
    world = ["--now", "2026-11-24T15:00:00Z", "sim", "--seed", "5", "--tickets", "900", "--months", "3"]
    sim = json.loads(start(relato, *world))
    port = start("node", work / "bridge.mjs", sim["base_url"]).strip()
    keys = {"DESK_KEY": sim["keys"]["desk"], "ROUTER_KEY": sim["keys"]["router"]}
    environment = os.environ | keys | {"BASE_URL": sim["base_url"], "BRIDGE_PORT": port, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    lines = run("node", work / "clients.mjs") + run(folder / "python/bin/python", SCRIPTS / "clients.py")
finally:
    for process in started:
        process.terminate()
    shutil.rmtree(work)

passed = sum(line.startswith("ok: ") for line in lines)
failed = sum(line.startswith("FAILED: ") for line in lines)
print("\n".join(line for line in lines if not line.startswith("ok: ")) + "\n" if failed else "", end="")
print(f"clients: {passed} passed, {failed} failed")
sys.exit(1 if failed or not passed else 0)
