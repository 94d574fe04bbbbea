//! The README says what the columns are as the code does.

use std::fmt::Write as _;
use std::{fs, path::Path};

use pcaps_table::{ColumnSchema, ColumnType, SCHEMA_VERSION, TableSchema};

fn lines(columns: &[ColumnSchema]) -> String {
    let mut text = "| column | type | null | meaning |\n|---|---|---|---|\n".to_owned();
    for it in columns {
        let kind = match it.kind {
            ColumnType::Timestamp => "`TIMESTAMP(MICROS, UTC)`",
            ColumnType::Date => "`DATE`",
            ColumnType::Int32 => "`INT32`",
            ColumnType::Int64 => "`INT64`",
            ColumnType::Boolean => "`BOOLEAN`",
            ColumnType::String => "`STRING`",
            _ => "a type of which nothing is known here",
        };
        let null = if it.nullable { "yes" } else { "no" };
        writeln!(text, "| `{}` | {kind} | {null} | {} |", it.name, it.meaning).unwrap();
    }
    text
}

#[test]
fn the_columns_are_as_the_code_has_them() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(path).unwrap();
    let schema = TableSchema::current();
    for table in [lines(&schema.partitions), lines(&schema.columns)] {
        assert!(readme.contains(&table), "README.md lacks:\n{table}");
    }
    assert!(readme.contains(&format!("This is version {SCHEMA_VERSION}")));
}
