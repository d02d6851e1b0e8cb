#!/usr/bin/env python3
"""Writes the same large sheet and the same long table with Relato and with what others use.

Usage: benches/documents.py [--rows N] [--pdf-rows N], with an interpreter that has the writers beside its own, in `<folder>-documents`.
Every writer runs in a process of its own; time is the writer's alone, memory the peak of the process. Prints Markdown.
"""

import argparse, datetime, os, pathlib, resource, subprocess, sys, tempfile, time, zipfile

COLUMNS = ["conversation_id", "number", "started_local", "ended_day", "sector", "agent", "channel", "tickets", "wait_s", "reply_s",
           "handling_s", "score"]


def spread(row, salt):
    value = (row * 6364136223846793005 + salt) & (2**64 - 1)
    return ((value << 23) | (value >> 41)) & (2**64 - 1)


def record(row):
    start = datetime.datetime(2026, 10, 1, 8) + datetime.timedelta(seconds=row * 5)
    return (f"{spread(row, 1):016x}-{spread(row, 2):016x}", str(100_000 + row), start,
            datetime.date(2026, 10, 1) + datetime.timedelta(days=spread(row, 5) % 31), f"Setor {spread(row, 7) % 12}",
            f"agente{spread(row, 11) % 80}@exemplo.org.br", "wa.gw.msging.net", spread(row, 13) % 4, spread(row, 17) % 1500,
            spread(row, 19) % 900, spread(row, 23) % 9000, spread(row, 29) % 400 / 100 + 1)


def duckdb_excel(rows, path):
    import duckdb
    import duckdb_extension_excel

    found = next(pathlib.Path(duckdb_extension_excel.__file__).parent.rglob("*.duckdb_extension"))
    connection = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    connection.execute(f"LOAD '{found}'")
    connection.execute(f"""
        CREATE TABLE rows AS SELECT
            format('{{:016x}}-{{:016x}}', hash(i), hash(i * 3)) AS conversation_id, CAST(100000 + i AS VARCHAR) AS number,
            TIMESTAMP '2026-10-01 08:00:00' + to_seconds(i * 5) AS started_local, DATE '2026-10-01' + CAST(hash(i * 5) % 31 AS INTEGER) AS ended_day,
            'Setor ' || (hash(i * 7) % 12) AS sector, 'agente' || (hash(i * 11) % 80) || '@exemplo.org.br' AS agent, 'wa.gw.msging.net' AS channel,
            CAST(hash(i * 13) % 4 AS BIGINT) AS tickets, CAST(hash(i * 17) % 1500 AS BIGINT) AS wait_s, CAST(hash(i * 19) % 900 AS BIGINT) AS reply_s,
            CAST(hash(i * 23) % 9000 AS BIGINT) AS handling_s, (hash(i * 29) % 400) / 100.0 + 1 AS score
        FROM range({rows}) AS t(i)""")
    began = time.perf_counter()
    connection.execute(f"COPY rows TO '{path}' WITH (FORMAT xlsx, HEADER true)")
    return began


def xlsxwriter(rows, path):
    import xlsxwriter as library

    began = time.perf_counter()
    book = library.Workbook(path, {"constant_memory": True})
    sheet, moment, day = book.add_worksheet(), book.add_format({"num_format": "dd/mm/yyyy hh:mm"}), book.add_format({"num_format": "dd/mm/yyyy"})
    sheet.write_row(0, 0, COLUMNS)
    for row in range(rows):
        for column, value in enumerate(record(row)):
            if column == 2:
                sheet.write_datetime(row + 1, column, value, moment)
            elif column == 3:
                sheet.write_datetime(row + 1, column, value, day)
            elif isinstance(value, str):
                sheet.write_string(row + 1, column, value)
            else:
                sheet.write_number(row + 1, column, value)
    book.close()
    return began


def openpyxl(rows, path):
    from openpyxl import Workbook

    began = time.perf_counter()
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(COLUMNS)
    for row in range(rows):
        sheet.append(record(row))
    book.save(path)
    return began


def pyexcelerate(rows, path):
    from pyexcelerate import Workbook

    began = time.perf_counter()
    book = Workbook()
    book.new_sheet("rows", data=[COLUMNS, *(record(row) for row in range(rows))])
    book.save(path)
    return began


def polars_excel(rows, path):
    import polars

    frame = polars.DataFrame([record(row) for row in range(rows)], schema=COLUMNS, orient="row")
    began = time.perf_counter()
    frame.write_excel(path)
    return began


def lines(rows):
    return [[str(100_000 + row), "01/10/2026 08:00", "05/10/2026", f"Setor {row % 12}", f"agente{row % 80}@exemplo.org.br", "WhatsApp",
             str(row % 4), "12 min 05 s"] for row in range(rows)]


HEADINGS = ["number", "started_local", "ended_day", "sector", "agent", "channel", "tickets", "wait_s"]


def reportlab(rows, path):
    from reportlab.lib import colors
    from reportlab.lib.pagesizes import A4
    from reportlab.platypus import SimpleDocTemplate, Table, TableStyle

    began = time.perf_counter()
    table = Table([HEADINGS, *lines(rows)], repeatRows=1)
    table.setStyle(TableStyle([("BACKGROUND", (0, 0), (-1, 0), colors.navy), ("TEXTCOLOR", (0, 0), (-1, 0), colors.white),
                               ("FONTSIZE", (0, 0), (-1, -1), 8), ("ROWBACKGROUNDS", (0, 1), (-1, -1), [colors.white, colors.whitesmoke])]))
    SimpleDocTemplate(path, pagesize=A4).build([table])
    return began


def fpdf2(rows, path):
    from fpdf import FPDF

    began = time.perf_counter()
    document = FPDF(format="A4")
    document.set_font("Helvetica", size=8)
    document.add_page()
    with document.table(col_widths=(2, 3, 2, 2, 5, 2, 1, 2)) as table:
        for line in [HEADINGS, *lines(rows)]:
            cells = table.row()
            for text in line:
                cells.cell(text)
    document.output(path)
    return began


def typst(rows, path):
    import typst as library

    began = time.perf_counter()
    cells = ",".join(f'"{text}"' for line in lines(rows) for text in line)
    headings = ",".join(f"[*{text}*]" for text in HEADINGS)
    source = f"#set page(paper: \"a4\", margin: 14mm)\n#set text(size: 8pt)\n#table(columns: 8, table.header({headings}), {cells})"
    library.compile(source.encode(), output=path)
    return began


def weasyprint(rows, path):
    from weasyprint import HTML

    began = time.perf_counter()
    body = "".join("<tr>" + "".join(f"<td>{text}</td>" for text in line) + "</tr>" for line in lines(rows))
    head = "".join(f"<th>{text}</th>" for text in HEADINGS)
    style = "<style>@page {size: A4; margin: 14mm} body {font: 8pt sans-serif} table {width: 100%; border-collapse: collapse}</style>"
    HTML(string=f"{style}<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>").write_pdf(path)
    return began


WRITERS = {writer.__name__: writer for writer in (duckdb_excel, xlsxwriter, openpyxl, pyexcelerate, polars_excel, reportlab, typst, fpdf2, weasyprint)}


def measured(name, rows):
    """Runs one writer in this process and prints what it took."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "file.pdf" if name in ("reportlab", "typst", "fpdf2", "weasyprint") else "file.xlsx")
        began = WRITERS[name](rows, path)
        seconds = time.perf_counter() - began
        size = os.path.getsize(path)
    print(f"{seconds:.2f} s, peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB, {size} bytes")


def rows_of(path):
    """Counts the rows of a workbook's sheets, without their headings."""
    with zipfile.ZipFile(path) as book:
        sheets = [name for name in book.namelist() if name.startswith("xl/worksheets/sheet")]
        return [sum(chunk.count(b"<row ") for chunk in read_whole(book, name)) - 1 for name in sorted(sheets)]


def read_whole(book, name):
    """Yields a member in pieces that end where a row does."""
    rest = b""
    with book.open(name) as member:
        while piece := member.read(1 << 22):
            whole, mark, rest = (rest + piece).rpartition(b"</row>")
            yield whole + mark
    yield rest


def millions(own):
    """Writes three million rows, which no sheet holds, and counts them again."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "millions.xlsx")
        said = own("xlsx", 3_000_000, path)
        counts = [count for count in rows_of(path) if count > 1_000]
    assert sum(counts) == 3_000_000, counts
    print(f"\nThree million rows: {said}; read back on {len(counts)} sheets: {' + '.join(f'{count:,}' for count in counts)}.", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--pdf-rows", type=int, default=9_000)
    parser.add_argument("--one", nargs=2)
    arguments = parser.parse_args()
    if arguments.one:
        return measured(arguments.one[0], int(arguments.one[1]))
    python = str(pathlib.Path(sys.prefix + "-documents") / "bin" / "python")
    run = lambda command: subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip().splitlines()[-1]
    own = lambda kind, rows, *path: run(["cargo", "bench", "--locked", "--quiet", "--bench", "documents", "--", kind, str(rows), *path])
    for kind, rows, others in (("xlsx", arguments.rows, ["duckdb_excel", "pyexcelerate", "polars_excel", "xlsxwriter", "openpyxl"]),
                               ("pdf", arguments.pdf_rows, ["reportlab", "typst", "fpdf2", "weasyprint"])):
        print(f"\n{kind}, {rows:,} rows\n\n| writer | seconds, peak memory, size |\n|---|---|\n| relato | {own(kind, rows)} |", flush=True)
        for name in others:
            print(f"| {name} | {run([python, __file__, '--one', name, str(rows)])} |", flush=True)
    millions(own)


main()
