//! `--serve`, as a program that compares engines uses it.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use mprnet::graph::{Conv, Graph, KernelSize, Op, Param, Patches, Role, TensorDesc, cpu};
use mprnet::model::channel_attention_block;
use serde_json::Value;

use super::{Tensor, error, file};
use crate::{Room, repository};

const X: TensorDesc =
    TensorDesc { channels: 8, height: 18, width: 22, patches: Patches::WHOLE, role: Role::Feature };

fn input() -> Tensor {
    Tensor::some("x", &[1, 8, 18, 22])
}

fn args<'a>(workload: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let fixed = ["bench", "--serve", "--workload", workload, "--input", "in.safetensors"];
    [&fixed, &["--output", "out.safetensors", "-q"][..], more].concat()
}

/// Asks for two runs and gives the output, once both have been answered as they should be.
fn serve(room: &Room, workload: &str, more: &[&str]) -> Tensor {
    let mut command = room.command(args(workload, more));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut answer = move || -> Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    let ready = answer();
    assert_eq!(ready["ready"], true);
    for key in ["version", "adapter", "driver"] {
        assert!(!ready[key].as_str().unwrap().is_empty(), "{ready}");
    }
    // The output is there before anything is asked for.
    let output = Tensor::read(&room.path("out.safetensors"), "y");
    let mut requests = child.stdin.take().unwrap();
    for _ in 0..2 {
        requests.write_all(b"{\"cmd\": \"run\"}\n").unwrap();
        let seconds = answer();
        assert!(seconds["wall"].as_f64().unwrap() > 0.0, "{seconds}");
        assert!(seconds["cpu"].is_number(), "{seconds}");
        assert!(seconds["gpu"].is_null() || seconds["gpu"].as_f64() < seconds["wall"].as_f64(), "{seconds}");
    }
    drop(requests);
    assert!(child.wait().unwrap().success());
    output
}

/// What the twin makes of a graph of one input.
fn twin(graph: &Graph, x: &Tensor) -> Vec<f32> {
    let inputs = [x.values.iter().map(|&v| f64::from(v)).collect()];
    let values = cpu::run(graph, &inputs).unwrap();
    values[&graph.outputs()[0]].data.iter().map(|&v| v as f32).collect()
}

#[test]
fn a_convolution() {
    let room = Room::new();
    let tensors = [input(), Tensor::some("weight", &[12, 8, 3, 3]).less(6.0), Tensor::some("bias", &[12])];
    room.put("in.safetensors", &file(&tensors));
    let mut graph = Graph::new();
    let mut param = |t: &Tensor| {
        graph.add_param(Param {
            name: t.name.clone(),
            shape: t.shape.clone(),
            data: t.values.as_slice().into(),
        })
    };
    let (weight, bias) = (param(&tensors[1]), param(&tensors[2]));
    let x = graph.add_input("x", X);
    let conv = Op::Conv(Conv::new(KernelSize::Three, weight, Some(bias)));
    let y = graph.push("y", conv, &[x], Patches::WHOLE).unwrap();
    graph.mark_output(y);
    let expected = twin(&graph, &tensors[0]);
    for (more, bound) in [
        (&["--precision", "exact"][..], 2e-6),
        (&["--variant", "winograd4"], 1e-5),
        (&["--precision", "f16"], 1e-3),
    ] {
        let output = serve(&room, "conv", more);
        assert_eq!(output.shape, [1, 12, 18, 22]);
        let error = error(&output.values, &expected);
        assert!(error < bound, "{more:?}: {error:.2e}");
        // Exact is closest, and the options are heard.
        assert!(error > bound / 100.0, "{more:?}: {error:.2e}");
    }
}

#[test]
fn a_block() {
    let room = Room::new();
    let tensors = [
        input(),
        Tensor::some("CA.conv_du.0.weight", &[2, 8, 1, 1]),
        Tensor::some("CA.conv_du.2.weight", &[8, 2, 1, 1]),
        Tensor::some("body.0.weight", &[8, 8, 3, 3]).less(6.0),
        Tensor { name: "body.1.weight".to_owned(), shape: vec![1], values: vec![0.3] },
        Tensor::some("body.2.weight", &[8, 8, 3, 3]).less(6.0),
    ];
    room.put("in.safetensors", &file(&tensors));
    let param = |t: &Tensor| Param {
        name: format!("cab.{}", t.name),
        shape: t.shape.clone(),
        data: t.values.as_slice().into(),
    };
    let graph = channel_attention_block(tensors[1..].iter().map(param).collect(), X).unwrap();
    let output = serve(&room, "cab", &[]);
    assert_eq!(output.shape, [1, 8, 18, 22]);
    let error = error(&output.values, &twin(&graph, &tensors[0]));
    assert!(error < 1e-5, "{error:.2e}");
}

#[test]
fn a_network() {
    let room = Room::new();
    let golden = repository("golden/tiny_32x48.safetensors");
    let x = Tensor { name: "x".to_owned(), ..Tensor::read(&golden, "input") };
    room.put("in.safetensors", &file(&[x]));
    let model = repository("golden/tiny.safetensors");
    let output = serve(&room, "network", &["--model", model.to_str().unwrap()]);
    let (x, stage3) = (Tensor::read(&golden, "input").values, Tensor::read(&golden, "stage3").values);
    let residual = |image: &[f32]| -> Vec<f32> { image.iter().zip(&x).map(|(v, i)| v - i).collect() };
    let error = error(&residual(&output.values), &residual(&stage3));
    assert!(error < 1e-5, "{error:.2e}");
}

#[test]
fn what_cannot_be_served() {
    let room = Room::new();
    let weight = || Tensor::some("weight", &[12, 8, 3, 3]);
    let files = [
        ("no x", vec![weight()], "x is missing"),
        ("a batch", vec![Tensor::some("x", &[2, 8, 4, 4]), weight()], "[1, channels, height, width]"),
        ("nothing", vec![Tensor::some("x", &[1, 8, 0, 4]), weight()], "8x0x4"),
        ("no weight", vec![input()], "weight is missing"),
        ("5x5", vec![input(), Tensor::some("weight", &[8, 8, 5, 5])], "[8, 8, 5, 5]"),
        ("other channels", vec![input(), Tensor::some("weight", &[12, 9, 3, 3])], "[_, 8, 3, 3] fits"),
        ("more", vec![input(), weight(), Tensor::some("weights", &[1])], "weights is not a parameter"),
    ];
    for (what, tensors, words) in files {
        println!("{what}");
        room.put("in.safetensors", &file(&tensors));
        room.refuses(&args("conv", &[]), 1, &[words]);
    }
    let slope = [input(), Tensor::some("body.1.weight", &[0])];
    room.put("in.safetensors", &file(&slope));
    room.refuses(&args("cab", &[]), 1, &["cab.body.1.weight", "[1] fits"]);
    room.refuses(&args("network", &[]), 2, &["--model"]);
    room.refuses(&args("conv", &["--model", "m.safetensors"]), 2, &["--model"]);
    room.refuses(&args("conv", &["--precision", "f32,f16"]), 2, &["one --precision"]);
    room.refuses(&args("conv", &["--variant", "fastest"]), 2, &["auto, all or one of direct"]);
    room.refuses(&["bench", "--serve"], 2, &["required arguments"]);
    room.refuses(&["bench", "--workload", "conv"], 2, &["required arguments"]);
}

#[test]
fn other_requests_end_it() {
    let room = Room::new();
    room.put("in.safetensors", &file(&[input(), Tensor::some("weight", &[8, 8, 1, 1])]));
    for request in ["{\"cmd\": \"stop\"}\n", "run\n", "{}\n", "\n"] {
        let mut command = room.command(args("conv", &[]));
        let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = pipes.spawn().unwrap();
        child.stdin.take().unwrap().write_all(request.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{err}");
        assert!(err.contains("is expected on standard input"), "{err}");
        assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 1);
    }
}
