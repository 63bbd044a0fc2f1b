//! The shape of the JSON: programs read it.

mod harness;

use harness::{GUEST, files, probes, tuned};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;
use tercel_doctor::measure::{Plan, measure};
use tercel_doctor::{Machine, Report, Subject, Tree, examine};

/// Paths of all values with their types; `[]` is any element of a list.
fn shape(value: &Value, path: &str, out: &mut BTreeSet<String>) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(values) => {
            values.iter().for_each(|value| shape(value, &format!("{path}[]"), out));
            "list"
        }
        Value::Object(fields) => {
            fields.iter().for_each(|(key, value)| shape(value, &format!("{path}.{key}"), out));
            "object"
        }
    };
    out.insert(format!("{path} {kind}"));
}

/// Of a report of version 1. A line may be added; one that changes or goes takes a new version.
const SHAPE: &str = include_str!("json.shape");

#[test]
fn a_report_has_the_shape_it_always_had() {
    let folder = harness::unpacked(&files(GUEST));
    let subject = Subject::default();
    let probes = probes("eth0", tuned("virtio_net"));
    let machine = Machine::new(Tree::new(folder.path()), &subject, &probes);
    let findings = examine(&machine, &[]);
    let here = Machine::new(Tree::new("/".as_ref()), &subject, &probes);
    let cores = here.allowed_cores().iter().take(1).collect();
    let plan = Plan { span: Duration::from_millis(20), cores, pair: None };
    let mut told = 0;
    let measurements = measure(&plan, &mut |_, done| {
        told += 1;
        assert!((0.0..=1.0).contains(&done));
    });
    let report = Report::new(&machine, findings, Some(measurements));
    let value = serde_json::to_value(&report).unwrap();
    let mut lines = BTreeSet::new();
    shape(&value, "", &mut lines);
    let known: BTreeSet<String> = SHAPE.lines().map(str::to_string).collect();
    let missing: Vec<_> = known.difference(&lines).collect();
    let unknown: Vec<_> = lines.difference(&known).collect();
    assert!(missing.is_empty() && unknown.is_empty(), "missing {missing:?}, unknown {unknown:?}");
    assert_eq!(value["version"], 1);
    assert_eq!(value["counts"]["wrong"], report.counts.wrong);
}

#[test]
fn verdicts_and_remedies_have_fixed_names() {
    let folder = harness::unpacked(&files(GUEST));
    let probes = probes("eth0", tuned("virtio_net"));
    let findings = harness::found(folder.path(), &Subject::default(), &probes);
    let value = serde_json::to_value(&findings).unwrap();
    let names = |key: &str| -> BTreeSet<String> {
        let of = |finding: &Value| match key {
            "verdict" => vec![finding["verdict"].clone()],
            _ => {
                let remedies = finding["remedies"].as_array().unwrap().iter();
                remedies.map(|remedy| remedy["kind"].clone()).collect()
            }
        };
        let all = value.as_array().unwrap().iter().flat_map(of);
        all.map(|name| name.as_str().unwrap().to_string()).collect()
    };
    let set = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<BTreeSet<_>>();
    let verdicts = ["good", "could_be_better", "wrong", "not_applicable", "cannot_tell"];
    assert_eq!(names("verdict"), set(&verdicts));
    assert_eq!(names("remedy"), set(&["write", "command", "boot", "advice", "host"]));
}
