"""Makes the workbooks and tables of columns beside it: `python tests/data/readers/make_tables.py`.

openpyxl 3.1.5, pandas 3.1.1 with odfpy 1.4.1, pyarrow 26.0.1.
"""

from pathlib import Path

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet

FOLDER = Path(__file__).parent
WIDE = pd.DataFrame(
    {
        "sample_id": ["A1", "A2"],
        "Phocaeicola_vulgatus": [60.5, 10.0],
        "Blautia_obeum": [39.5, 90.0],
    }
)
TAXPASTA = pd.DataFrame(
    {
        "taxonomy_id": [0, 821, 40520],
        "name": [None, "Phocaeicola vulgatus", "Blautia obeum"],
        "rank": [None, "species", "species"],
        "A1": [20, 900, 100],
        "A2": [30, 500, 500],
    }
)


def workbook():
    """A second sheet, a blank row above the table, and a formula whose value is not stored."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "profiles & more"
    sheet.append([])
    sheet.append(list(WIDE.columns))
    for row in WIDE.itertuples(index=False):
        sheet.append(list(row))
    book.create_sheet("notes").append(["nothing"])
    book.save(FOLDER / "workbook.xlsx")


workbook()
TAXPASTA.to_excel(FOLDER / "taxpasta.xlsx", index=False)
WIDE.to_excel(FOLDER / "workbook.ods", index=False, engine="odf")
table = pa.Table.from_pandas(TAXPASTA, preserve_index=False)
pa.parquet.write_table(table, FOLDER / "taxpasta.parquet", compression="brotli")
wide = pa.Table.from_pandas(WIDE, preserve_index=False)
pa.parquet.write_table(wide, FOLDER / "lz4.parquet", compression="lz4")
pa.feather.write_feather(table, FOLDER / "taxpasta.feather", compression="lz4")
with pa.OSFile(str(FOLDER / "wide.arrows"), "wb") as sink, pa.ipc.new_stream(sink, wide.schema) as out:
    out.write_table(wide)
