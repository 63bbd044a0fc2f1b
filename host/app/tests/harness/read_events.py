"""Reads converted events with PyArrow and DuckDB and prints what both see, as JSON."""

import json
import sys

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds

folder = sys.argv[1]
partitions = pa.schema([("date", pa.string()), ("symbol", pa.string())])
events = ds.dataset(folder, partitioning=ds.partitioning(partitions, flavor="hive"))
types = {
    "received": pa.timestamp("ns", tz="UTC"),
    "exchange_ns": pa.uint64(),
    "seq": pa.uint64(),
    "instrument": pa.uint16(),
    "price_e4": pa.int64(),
    "quantity": pa.uint64(),
    "order_ref": pa.uint64(),
    "second_ref": pa.uint64(),
    "tag": pa.uint16(),
    "value": pa.int64(),
    "printable": pa.bool_(),
    "recovered": pa.bool_(),
}
for name, wanted in types.items():
    assert events.schema.field(name).type == wanted, (name, events.schema.field(name).type)
for name in ("kind", "side"):
    kind = events.schema.field(name).type
    assert pa.types.is_dictionary(kind) and kind.value_type == pa.string(), (name, kind)

table = events.to_table()
units = {field.name: field.metadata[b"unit"].decode() for field in table.schema if field.metadata}
assert set(units) == set(types) | {"kind", "side"}, units

# Neither differences nor names are left plain, and everything is compressed.
fragment = next(events.get_fragments())
group = fragment.metadata.row_group(0)
for at in range(group.num_columns):
    column = group.column(at)
    assert column.compression == "ZSTD", column
    if column.path_in_schema in ("kind", "side"):
        assert any("DICTIONARY" in e for e in column.encodings), column
    elif column.physical_type != "BOOLEAN":
        assert "DELTA_BINARY_PACKED" in column.encodings, column

files = f"read_parquet('{folder}/**/*.parquet', hive_partitioning = true)"
described = dict(row[:2] for row in duckdb.sql(f"DESCRIBE SELECT * FROM {files}").fetchall())
wanted = {
    "received": ("TIMESTAMP WITH TIME ZONE", "TIMESTAMP_NS"),
    "exchange_ns": ("UBIGINT",),
    "seq": ("UBIGINT",),
    "kind": ("VARCHAR",),
    "side": ("VARCHAR",),
    "instrument": ("USMALLINT",),
    "price_e4": ("BIGINT",),
    "quantity": ("UBIGINT",),
    "tag": ("USMALLINT",),
    "printable": ("BOOLEAN",),
    "date": ("DATE",),
    "symbol": ("VARCHAR",),
}
for name, kinds in wanted.items():
    assert described[name] in kinds, (name, described[name])

count, numbered = duckdb.sql(f"SELECT count(*), count(seq) FROM {files}").fetchone()
assert count == table.num_rows
assert numbered == table.num_rows - table["seq"].null_count
by_kind = duckdb.sql(f"SELECT kind, count(*) FROM {files} GROUP BY kind").fetchall()
ours = table["kind"].cast(pa.string()).value_counts().to_pylist()
assert dict(by_kind) == {row["values"]: row["counts"] for row in ours}
print(json.dumps({"events": count, "messages": numbered, "units": units}))
