//! burn on wgpu as a worker of `tools/compare.py`: one workload, kept warm, timed on request.
//!
//! `burn-peer --workload conv|cab --input IN.safetensors --output OUT.safetensors`; the protocol is that of
//! `tools/peers/protocol.py`.

use std::collections::HashMap;
use std::error::Error;
use std::hint::black_box;
use std::io::{self, BufRead as _, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use burn::tensor::activation::{prelu, relu, sigmoid};
use burn::tensor::module::{adaptive_avg_pool2d, conv2d};
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, Tensor, TensorData};
use rustix::time::{ClockId, clock_gettime};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde_json::{Value, json};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Tensors of a file, by key.
type Tensors = HashMap<String, TensorData>;

/// Convolution weights `[out, in, k, k]` and biases `[out]`.
struct Conv {
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
}

impl Conv {
    fn new(tensors: &Tensors, prefix: &str, device: &Device) -> Result<Self> {
        let bias = tensors.get(&format!("{prefix}bias"));
        Ok(Self {
            weight: Tensor::from_data(take(tensors, &format!("{prefix}weight"))?, device),
            bias: bias.map(|data| Tensor::from_data(data.clone(), device)),
        })
    }

    /// Stride 1, height and width kept.
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [_, _, rows, columns] = self.weight.dims();
        let options = ConvOptions::new([1, 1], [rows / 2, columns / 2], [1, 1], 1);
        conv2d(x, self.weight.clone(), self.bias.clone(), options)
    }
}

/// What is timed.
enum Model {
    Conv(Conv),
    Cab { body: [Conv; 2], slope: Tensor<1>, attention: [Conv; 2] },
}

impl Model {
    fn new(workload: &str, tensors: &Tensors, device: &Device) -> Result<Self> {
        let conv = |prefix| Conv::new(tensors, prefix, device);
        match workload {
            "conv" => Ok(Self::Conv(conv("")?)),
            "cab" => Ok(Self::Cab {
                body: [conv("body.0.")?, conv("body.2.")?],
                slope: Tensor::from_data(take(tensors, "body.1.weight")?, device),
                attention: [conv("CA.conv_du.0.")?, conv("CA.conv_du.2.")?],
            }),
            other => Err(format!("workload {other:?} is neither conv nor cab").into()),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Conv(conv) => conv.forward(x),
            Self::Cab { body, slope, attention } => {
                let r = prelu(body[0].forward(x.clone()), slope.clone());
                let r = body[1].forward(r);
                let means = adaptive_avg_pool2d(r.clone(), [1, 1]);
                let gate = sigmoid(attention[1].forward(relu(attention[0].forward(means))));
                gate * r + x
            }
        }
    }
}

fn take(tensors: &Tensors, key: &str) -> Result<TensorData> {
    Ok(tensors.get(key).ok_or_else(|| format!("the input has no tensor {key}"))?.clone())
}

/// Reads a safetensors file of f32 tensors.
fn read(path: &Path) -> Result<Tensors> {
    let bytes = std::fs::read(path)?;
    let mut found = Tensors::new();
    for (key, view) in SafeTensors::deserialize(&bytes)?.iter() {
        if view.dtype() != Dtype::F32 {
            return Err(format!("tensor {key} is not f32").into());
        }
        let (values, _) = view.data().as_chunks::<4>();
        let values: Vec<f32> = values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        found.insert(key.to_owned(), TensorData::new(values, view.shape().to_vec()));
    }
    Ok(found)
}

/// Writes `y`.
fn write(path: &Path, y: &[f32], shape: &[usize]) -> Result<()> {
    let bytes: Vec<u8> = y.iter().flat_map(|value| value.to_le_bytes()).collect();
    safetensors::serialize_to_file(
        [("y", TensorView::new(Dtype::F32, shape.to_vec(), &bytes)?)],
        None,
        path,
    )?;
    Ok(())
}

/// CPU seconds of all threads of this process so far.
fn cpu_time() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or(0))
}

fn answer(line: &Value) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

fn serve(mut args: HashMap<String, String>) -> Result<()> {
    let mut argument = |name: &str| args.remove(name).ok_or_else(|| format!("{name} is missing"));
    let (workload, input, output) = (argument("--workload")?, argument("--input")?, argument("--output")?);
    let mut tensors = read(input.as_ref())?;
    let x = tensors.remove("x").ok_or("the input has no tensor x")?;

    let (device, setup) = Device::wgpu_options().init_with_setup()?;
    let adapter = setup.adapter.get_info();
    let model = Model::new(&workload, &tensors, &device)?;
    // From host memory to host memory, as every worker measures. The values are taken out, because a tensor's data may
    // be handed over before they are there.
    let run = || -> Result<Vec<f32>> {
        let y = model.forward(Tensor::from_data(x.clone(), &device));
        device.sync()?;
        Ok(y.try_into_data()?.try_into_vec::<f32>()?)
    };
    run()?;
    write(output.as_ref(), &run()?, &x.shape().iter().copied().collect::<Vec<_>>())?;
    answer(
        &json!({"ready": true, "version": "burn 0.22.0", "adapter": adapter.name, "driver": adapter.driver_info}),
    )?;

    for line in io::stdin().lock().lines() {
        let request: Value = serde_json::from_str(&line?)?;
        if request["cmd"] != "run" {
            return Err(format!("unknown request {request}").into());
        }
        let (start, cpu) = (Instant::now(), cpu_time());
        black_box(run()?);
        let (wall, cpu) = (start.elapsed(), cpu_time().saturating_sub(cpu));
        answer(&json!({"wall": wall.as_secs_f64(), "cpu": cpu.as_secs_f64(), "gpu": null}))?;
    }
    Ok(())
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let args = words.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
    if let Err(error) = serve(args) {
        // The protocol's own line; where not even that can be written, the exit code tells.
        answer(&json!({"error": error.to_string()})).ok();
        std::process::exit(1);
    }
}
