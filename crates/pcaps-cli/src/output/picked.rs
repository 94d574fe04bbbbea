//! The fields that were asked for, as people read them.

use serde_json::Value;

use super::{
    fields::at,
    table::{Column, table},
    text::{Pairs, Zone},
};

/// A list is a table with a column for each field, anything else a line for each.
pub(super) fn text(zone: &Zone, paths: &[String], result: &Value) -> String {
    let Value::Array(elements) = result else {
        let mut pairs = Pairs::new();
        for path in paths {
            pairs.line(path, &cell(zone, &at(result, path)));
        }
        return pairs.finish();
    };
    let titles: Vec<_> = paths.iter().map(|it| it.to_uppercase()).collect();
    let columns: Vec<_> = titles.iter().map(|it| Column::broken(it, 10)).collect();
    let row = |element| {
        paths
            .iter()
            .map(|path| cell(zone, &at(element, path)))
            .collect::<Vec<_>>()
    };
    let rows: Vec<_> = elements.iter().map(row).collect();
    table(&columns, &rows)
}

/// Times are shown as everywhere, and what has more than one part as in JSON.
pub(super) fn cell(zone: &Zone, value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => zone.text(text),
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_are_columns_or_lines() {
        let zone = Zone::utc();
        let text = |paths: &[String], result: &Value| text(&zone, paths, result);
        let paths = ["status", "filter.port"].map(str::to_owned);
        let one = json!({"status": "success", "filter": {"port": 53}});
        assert_eq!(
            text(&paths, &one),
            "status        success\nfilter.port   53\n"
        );
        let other = json!({"status": "a\nb", "filter": null});
        assert_eq!(
            text(&paths, &json!([one, other])),
            "STATUS   FILTER.PORT\nsuccess  53\na b      -\n"
        );
        let time = json!({"status": "2026-11-23T10:00:00Z"});
        assert_eq!(
            text(&paths[..1], &time),
            "status        2026-11-23 10:00:00Z\n"
        );
    }
}
