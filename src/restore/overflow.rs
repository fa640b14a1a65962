//! Where numbers stop being finite: the photo is computed anew, and what operators give is kept, a few at a time.

use super::calibration::OVERFLOW;
use super::sized::{Key, Seen};
use super::{Captured, Restorer};
use crate::engine::{Cancel, Values, Watch};
use crate::image::Frame;
use crate::{Error, Result};

/// Operators whose results are kept at a time: as many whole tensors stay on the device.
const KEPT: usize = 12;

impl Restorer {
    /// The error about a photo whose result is not finite; names the operator where that is asked for and found.
    pub(super) async fn overflowing(&self, key: Key, photo: &Frame, cancel: &Cancel) -> Error {
        let named = if self.model.options.trace_overflow {
            self.first_not_finite(key, photo, cancel).await.unwrap_or_else(|error| {
                tracing::info!("the operator is not known: {error}");
                None
            })
        } else {
            None
        };
        Error::NotFinite(named.map_or(OVERFLOW.into(), Into::into))
    }

    async fn first_not_finite(&self, key: Key, photo: &Frame, cancel: &Cancel) -> Result<Option<String>> {
        let (executed, known) = (self.model.graph(key, &[])?.0, self.model.defined(key, &[])?);
        let given =
            executed.nodes().iter().flat_map(|node| node.outputs.iter().map(|&id| (node.op.name(), id)));
        let operators: Vec<(&str, String)> = given
            .map(|(op, id)| (op, executed.tensor(id).name.clone()))
            // What passes have put in has no name that could be asked for.
            .filter(|(_, tensor)| known.find(tensor).is_some())
            .collect();
        for group in operators.chunks(KEPT) {
            let names: Vec<String> = group.iter().map(|(_, tensor)| tensor.clone()).collect();
            let mut nobody = |_| ();
            let mut silent = Watch::new(&mut nobody, cancel);
            let (_, kept) = self.computed(key, Seen::Photo(photo), &names, &mut silent).await?;
            let bad = |tensor: &&Captured| match &tensor.values {
                Values::Planar(values) => values.iter().any(|value| !value.is_finite()),
                Values::Words(_) => false,
            };
            if let Some(first) = kept.iter().find(bad) {
                let found = group.iter().find(|(_, tensor)| *tensor == first.name);
                return Ok(found.map(|(op, tensor)| {
                    format!(
                        "numbers overflow with this photo, first those of {op} at {tensor}; use other weights"
                    )
                }));
            }
        }
        Ok(None)
    }
}
