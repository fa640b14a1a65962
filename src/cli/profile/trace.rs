//! A profile as trace events (the "Trace Event Format" of Chrome), which Perfetto and chrome://tracing open.

use serde_json::{Value, json};

use super::report::{Report, Stage};

/// Complete events (`X`) on one track, in microseconds from the first dispatch: an event for each interval.
pub(super) fn render(report: &Report) -> serde_json::Result<String> {
    let named = |name: &str, value: &str| json!({"name": name, "ph": "M", "pid": 1, "tid": 1, "args": {"name": value}});
    let names = [named("process_name", &report.adapter.name), named("thread_name", "operators")];
    let events: Vec<Value> = names.into_iter().chain(report.spans.iter().flat_map(events)).collect();
    let other: serde_json::Map<String, Value> =
        report.heading().into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    serde_json::to_string(&json!({"traceEvents": events, "displayTimeUnit": "ms", "otherData": other}))
}

fn events(stage: &Stage) -> Vec<Value> {
    let Stage { span, rates } = stage;
    let args = json!({
        "node": span.node,
        "stage": span.stage,
        "kernel": span.kernel,
        "inputs": span.inputs,
        "outputs": span.outputs,
        "multiply_adds": span.multiply_adds,
        "executed": span.executed,
        "bytes": span.bytes,
        "scratch_bytes": span.scratch_bytes,
        "bound": rates.bound,
        "of_ceiling": rates.of_ceiling,
    });
    let event = |interval: &crate::Interval| {
        json!({
            "name": span.tensor,
            "cat": span.op,
            "ph": "X",
            "pid": 1,
            "tid": 1,
            "ts": interval.start * 1e6,
            "dur": (interval.end - interval.start) * 1e6,
            "args": args,
        })
    };
    span.intervals.iter().map(event).collect()
}
