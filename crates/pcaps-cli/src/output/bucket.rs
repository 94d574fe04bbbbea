//! Buckets as people read them.

use pcaps::Bucket;

use super::{
    table::table,
    text::{Pairs, place, time},
};

/// One bucket, a field a line.
pub(crate) fn bucket(bucket: &Bucket) -> String {
    let mut pairs = Pairs::new();
    pairs.line_if("id", Some(bucket.id().as_str()));
    pairs.line_if("status", Some(bucket.status()));
    pairs.line_if("bucket", Some(place(&bucket.destination())));
    pairs.line_if("challenge", bucket.challenge_file());
    pairs.line_if("submitted", bucket.submitted().map(|it| it.to_string()));
    pairs.line_if("validated", bucket.validated().map(|it| it.to_string()));
    pairs.finish()
}

/// Buckets, one a row.
pub(crate) fn buckets(buckets: &[Bucket]) -> String {
    let rows: Vec<_> = buckets
        .iter()
        .map(|it| {
            [
                it.id().to_string(),
                it.status().to_owned(),
                it.submitted().map(time).unwrap_or_default(),
                it.validated().map(time).unwrap_or_default(),
                it.challenge_file().unwrap_or_default().to_owned(),
                place(&it.destination()),
            ]
        })
        .collect();
    table(
        [
            "ID",
            "STATUS",
            "SUBMITTED",
            "VALIDATED",
            "CHALLENGE",
            "BUCKET",
        ],
        &rows,
    )
}
