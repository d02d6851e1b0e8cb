#!/usr/bin/env python3
"""Measures imports of large files: peak memory, and rows a second, of a separated file and of a workbook.

Usage: imports.py BINARY [--bytes N] [--rows N] [--than BINARY]
Files are generated here. With --than each file is imported by both binaries, one after the other, into projects of their own.
Prints Markdown; docs/benchmarks.md explains the rows.
"""

import argparse
import itertools
import os
import random
import subprocess
import sys
import tempfile
import time
import uuid
import zipfile

NOW = "2026-11-22T15:00:00Z"
HEADINGS = ["id", "sequentialId", "customerIdentity", "team", "agentIdentity", "status", "storageDate", "openDate", "firstResponseDate", "closeDate", "tags"]
QUEUES = ["Suporte", "Financeiro", "Convênios", "Exames", "Agendamento"]


def rows(count, seed=7):
    """Tickets of two years, one every so many seconds, in order of their creation."""
    chance = random.Random(seed)
    step = 2 * 365 * 86_400 // count
    start = 1_700_000_000
    for number in range(count):
        at = start + number * max(step, 1)
        stamps = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at + after)) for after in (0, 60, 120, 1800)]
        customer = f"55319{chance.randrange(10**8):08}@wa.gw.msging.net"
        identity = str(uuid.UUID(int=chance.getrandbits(128)))
        agent = f"pessoa{chance.randrange(40)}%40exemplo.org.br@blip.ai"
        yield [identity, str(number + 1), customer, QUEUES[chance.randrange(5)], agent, "ClosedAttendant", *stamps, f"assunto {chance.randrange(30)}"]


def separated(path, size):
    """Writes a file of at least `size` bytes; returns its rows."""
    count = 0
    with open(path, "w", encoding="utf-8") as file:
        file.write(";".join(HEADINGS) + "\n")
        written = 0
        for row in rows(max(size // 230, 1)):
            line = ";".join(row) + "\n"
            file.write(line)
            written += len(line)
            count += 1
            if written >= size:
                break
    return count


def workbook(path, count):
    """Writes a workbook of `count` rows with the texts in the cells; returns the rows."""
    cell = '<c t="inlineStr"><is><t>{}</t></is></c>'.format
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("[Content_Types].xml", '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>')
        relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
        package = "http://schemas.openxmlformats.org/package/2006/relationships"
        archive.writestr("_rels/.rels", f'<?xml version="1.0"?><Relationships xmlns="{package}"><Relationship Id="r1" Type="{relation}/officeDocument" Target="xl/workbook.xml"/></Relationships>')
        archive.writestr("xl/_rels/workbook.xml.rels", f'<?xml version="1.0"?><Relationships xmlns="{package}"><Relationship Id="r1" Type="{relation}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>')
        main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
        archive.writestr("xl/workbook.xml", f'<?xml version="1.0"?><workbook xmlns="{main}" xmlns:r="{relation}"><sheets><sheet name="Tickets" sheetId="1" r:id="r1"/></sheets></workbook>')
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            sheet.write(f'<?xml version="1.0"?><worksheet xmlns="{main}"><sheetData>'.encode())
            for row in itertools.chain([HEADINGS], rows(count)):
                sheet.write(("<row>" + "".join(map(cell, row)) + "</row>").encode())
            sheet.write(b"</sheetData></worksheet>")
    return count


def project(binary, folder):
    """Makes a project without data: the settings of a demonstration."""
    subprocess.run([binary, "demo", "--out", folder, "--tickets", "10", "--now", NOW], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    subprocess.run(["rm", "-rf", f"{folder}/data", f"{folder}/output"], check=True)
    return folder


def imported(binary, folder, path):
    """Imports a file; returns seconds and peak memory in MB."""
    with tempfile.TemporaryFile("w+") as told:
        start = time.monotonic()
        process = subprocess.Popen([binary, "import", path, "--project", folder, "--now", NOW, "--no-progress"], stdout=told, stderr=told)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
        told.seek(0)
        if os.waitstatus_to_exitcode(status) != 0:
            sys.exit(f"{path} was not imported:\n{told.read()[-2000:]}")
    return seconds, usage.ru_maxrss // 1024


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--bytes", type=int, default=1 << 30)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--than")
    arguments = parser.parse_args()
    binaries = [arguments.binary, *([arguments.than] if arguments.than else [])]
    print("| file | MB | rows | binary | import | rows/s | peak memory |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as work:
        files = [(f"{work}/tickets.csv", separated, arguments.bytes), (f"{work}/tickets.xlsx", workbook, arguments.rows)]
        for path, write, size in files:
            if size == 0:
                continue
            count = write(path, size)
            for place, binary in enumerate(binaries):
                folder = project(binary, f"{work}/{place}")
                seconds, peak = imported(binary, folder, path)
                size_mb = os.path.getsize(path) >> 20
                print(f"| {os.path.basename(path)} | {size_mb} | {count:,} | {os.path.basename(binary)} | {seconds:.0f} s | {count / seconds:,.0f} | {peak} MB |", flush=True)
                subprocess.run(["rm", "-rf", folder], check=True)
            os.remove(path)


if __name__ == "__main__":
    main()
