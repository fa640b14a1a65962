//! Weights that are not those of an MPRNet: the key that tells is named, no file is written.

use std::collections::HashMap;
use std::io::Write;

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

use crate::{Room, repository};

fn shipped() -> Vec<u8> {
    std::fs::read(repository("models/denoise.safetensors")).unwrap()
}

/// One tensor of a file.
#[derive(Clone)]
struct Tensor {
    key: String,
    dtype: Dtype,
    shape: Vec<usize>,
    data: Vec<u8>,
}

/// The shipped weights after a change.
fn changed(change: impl FnOnce(&mut Vec<Tensor>)) -> Vec<u8> {
    let bytes = shipped();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let tensor = |(key, view): (String, TensorView<'_>)| Tensor {
        key,
        dtype: view.dtype(),
        shape: view.shape().to_vec(),
        data: view.data().to_vec(),
    };
    let mut tensors = file.tensors().into_iter().map(tensor).collect();
    change(&mut tensors);
    serialize(&tensors)
}

fn serialize(tensors: &[Tensor]) -> Vec<u8> {
    let views = tensors.iter().map(|t| (&t.key, TensorView::new(t.dtype, t.shape.clone(), &t.data).unwrap()));
    safetensors::serialize(views, None::<HashMap<String, String>>).unwrap()
}

fn find<'a>(tensors: &'a mut [Tensor], key: &str) -> &'a mut Tensor {
    tensors.iter_mut().find(|t| t.key == key).unwrap()
}

#[track_caller]
fn refused(weights: &[u8], words: &[&str]) {
    let room = Room::with_photo();
    room.put("w.safetensors", weights);
    let words = [&["w.safetensors"], words].concat();
    room.refuses(&["restore", "photo.png", "-o", "out.png", "--model", "w.safetensors"], 1, &words);
    room.refuses(&["plan", "--model", "w.safetensors"], 1, &words);
}

#[test]
fn another_network() {
    let tensor =
        |key: &str| Tensor { key: key.to_owned(), dtype: Dtype::F32, shape: vec![2], data: vec![0; 8] };
    let foreign = serialize(&[tensor("conv1.weight"), tensor("fc.bias")]);
    refused(&foreign, &["not those of an MPRNet", "shallow_feat1.0.weight is missing"]);
}

#[test]
fn missing_key() {
    for key in ["concat12.weight", "stage2_decoder.decoder_level2.1.body.0.weight", "shallow_feat1.0.weight"]
    {
        refused(&changed(|tensors| tensors.retain(|t| t.key != key)), &[&format!("{key} is missing")]);
    }
}

#[test]
fn misshapen_key() {
    for key in ["concat12.weight", "concat23.weight", "sam12.conv3.weight"] {
        let turned = changed(|tensors| find(tensors, key).shape.reverse());
        refused(&turned, &[&format!("{key} has shape [")]);
    }
}

#[test]
fn extra_key() {
    let more = changed(|tensors| {
        let copy = Tensor { key: "stage4.weight".to_owned(), ..tensors[0].clone() };
        tensors.push(copy);
    });
    refused(&more, &["stage4.weight is not a parameter"]);
}

#[test]
fn values_that_are_not_finite() {
    for (bits, shown) in [(0x7e00_u16, "NaN"), (0x7c00, "inf"), (0xfc00, "-inf")] {
        let bad =
            changed(|tensors| find(tensors, "tail.weight").data[6..8].copy_from_slice(&bits.to_le_bytes()));
        refused(&bad, &[&format!("tail.weight holds {shown} at 3")]);
    }
}

#[test]
fn values_that_are_no_floats() {
    let whole = changed(|tensors| find(tensors, "tail.weight").dtype = Dtype::I16);
    refused(&whole, &["tail.weight is I16", "F16, BF16, F32 and F64 are read"]);
}

#[test]
fn truncated() {
    let whole = shipped();
    for length in [9, 5000, 28_655, 28_656, 28_657, whole.len() / 2, whole.len() - 1] {
        let there = format!("cut short: {length} of ");
        refused(&whole[..length], &[&there, "bytes are there; download or copy it again"]);
    }
    // Too little to tell what it was.
    for length in [1, 7, 8] {
        refused(&whole[..length], &["neither a safetensors file nor a PyTorch checkpoint"]);
    }
}

#[test]
fn truncated_pytorch() {
    for name in ["tiny.pth", "tiny_legacy.pth"] {
        let whole = std::fs::read(repository("golden/checkpoints").join(name)).unwrap();
        for length in [whole.len() / 3, whole.len() - 1] {
            refused(&whole[..length], &["the PyTorch file is cut short", "download or copy it again"]);
        }
    }
}

/// `torch.save(model)` of a class that is not known here and keeps its weights elsewhere than modules do.
#[test]
fn pickled_module() {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, content) in
        [("w/data.pkl", b"\x80\x02cMPRNet\nMPRNet\n)\x81}b.".as_slice()), ("w/version", b"3\n")]
    {
        archive.start_file(name, stored).unwrap();
        archive.write_all(content).unwrap();
    }
    let bytes = archive.finish().unwrap().into_inner();
    let words = ["it holds MPRNet.MPRNet", "torch.save(model.state_dict(), \"weights.pth\")"];
    refused(&bytes, &words);
}

#[test]
fn empty_file() {
    refused(b"", &["is empty", "is needed"]);
}

#[test]
fn something_else() {
    refused(
        &crate::photos::png(crate::photos::smooth(9, 9)),
        &["neither a safetensors file nor a PyTorch checkpoint"],
    );
    refused(b"n_feat: 40\nscale_unetfeats: 20\n", &["neither a safetensors file nor a PyTorch checkpoint"]);
}

#[test]
fn missing_file_and_directory() {
    let room = Room::with_photo();
    room.make_directory("weights");
    let restore = |name| ["restore", "photo.png", "-o", "out.png", "--model", name];
    room.refuses(&restore("none.safetensors"), 1, &["cannot read none.safetensors"]);
    room.refuses(&restore("weights"), 2, &["weights is a directory; -n NAME says"]);
    for name in ["none.safetensors", "weights"] {
        room.refuses(&["plan", "--model", name], 1, &["cannot read", name]);
    }
}
