#!/usr/bin/env python3
"""Makes the embedded faces: Inter, cut to Latin, with tabular digits as the default digits.

Usage: subset.py FOLDER_WITH_INTER_TTF   (needs fonttools; the faces come from the npm package
@expo-google-fonts/inter, version 0.4.2). The result is committed, so a build never runs this.
"""
import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

FACES = {
    "regular": "400Regular/Inter_400Regular.ttf",
    "italic": "400Regular_Italic/Inter_400Regular_Italic.ttf",
    "bold": "600SemiBold/Inter_600SemiBold.ttf",
}
# Basic Latin, Latin-1, Latin Extended-A, typographic punctuation and the few signs that reports use.
RANGES = [(0x20, 0x7E), (0xA0, 0x17F)]
SINGLES = "–—‘’‚“”„†•…‰‹›€™−≤≥≠×÷→↗↘←↑↓▲▼△▽●○■□"


def tabular_digits(font: TTFont) -> None:
    """Points the digits at their `tnum` forms, so that columns of figures align without shaping."""
    gsub = font["GSUB"].table
    lookups = {
        index
        for record in gsub.FeatureList.FeatureRecord
        if record.FeatureTag == "tnum"
        for index in record.Feature.LookupListIndex
    }
    swap = {}
    for index in lookups:
        for table in gsub.LookupList.Lookup[index].SubTable:
            swap.update(getattr(getattr(table, "ExtSubTable", table), "mapping", {}))
    for cmap in font["cmap"].tables:
        for code, glyph in list(cmap.cmap.items()):
            if chr(code) in "0123456789" and glyph in swap:
                cmap.cmap[code] = swap[glyph]


def main(source: Path, target: Path) -> None:
    for name, file in FACES.items():
        font = TTFont(source / file)
        tabular_digits(font)
        options = subset.Options(
            layout_features=[],
            hinting=False,
            name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14],
            drop_tables=["GPOS", "GSUB", "GDEF", "STAT", "gasp"],
        )
        cutter = subset.Subsetter(options)
        unicodes = [code for low, high in RANGES for code in range(low, high + 1)]
        cutter.populate(unicodes=unicodes + [ord(char) for char in SINGLES])
        cutter.subset(font)
        font["head"].modified = font["head"].created
        font.recalcTimestamp = False
        font.save(target / f"Inter-{name}.ttf")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(__file__).parent)
