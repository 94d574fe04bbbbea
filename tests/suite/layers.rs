//! Dependencies between the crates point one way (ARCHITECTURE.md).

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use serde_json::Value;

use crate::support::root;

/// For each crate, which others of the workspace it may depend on outside of its tests.
const ALLOWED: &[(&str, &[&str])] = &[
    ("pcaps-file", &[]),
    ("pcaps-report", &["pcaps-file"]),
    ("pcaps-api", &[]),
    ("pcaps-table", &["pcaps-file"]),
    ("pcaps", &["pcaps-api", "pcaps-file", "pcaps-table"]),
    ("pcaps-sim", &["pcaps-api", "pcaps-file"]),
    ("pcaps-query", &[]),
    (
        "pcaps-cli",
        &[
            "pcaps",
            "pcaps-file",
            "pcaps-query",
            "pcaps-report",
            "pcaps-sim",
        ],
    ),
    ("xtask", &[]),
    ("pcaps-tests", &["pcaps-cli"]),
];

#[test]
fn dependencies_point_one_way() {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let names: BTreeSet<_> = packages
        .iter()
        .map(|it| it["name"].as_str().unwrap())
        .collect();
    let found: BTreeMap<_, BTreeSet<_>> = packages
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().unwrap().iter();
            let normal = dependencies
                .filter(|it| it["kind"].is_null())
                .map(|it| it["name"].as_str().unwrap());
            (
                package["name"].as_str().unwrap(),
                normal.filter(|it| names.contains(it)).collect(),
            )
        })
        .collect();
    let allowed: BTreeMap<_, BTreeSet<_>> = ALLOWED
        .iter()
        .map(|(name, others)| (*name, others.iter().copied().collect()))
        .collect();
    assert_eq!(found, allowed);
}
