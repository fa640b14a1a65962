//! Keys as the network has them, from keys as files have them.

use std::collections::BTreeMap;

use super::Entry;
use crate::{Error, Result};

/// A key that every MPRNet has: what stands before it in a file is what the file wraps its keys in.
const LANDMARK: &str = "shallow_feat1.0.weight";

/// Which of several networks in one file is taken, if one of them is wrapped like this: weights beside which others are
/// intermediate. `params_ema` is a moving average, which restores better than the `params` that it follows.
const PREFERRED: [&str; 3] = ["state_dict.", "state_dict.module.", "params_ema."];

/// What `DataParallel` puts before every key.
const PARALLEL: &str = "module.";

/// What lies beside the weights in a bare dict, by custom.
const BESIDE: [&str; 2] = ["optimizer.", "scheduler."];

/// Takes the wrapping off all keys, and leaves out what lies outside of it.
pub(super) fn unwrap(tensors: BTreeMap<String, Entry>, origin: &str) -> Result<BTreeMap<String, Entry>> {
    let Some(prefix) = prefix(&tensors, origin)? else {
        // No network that is known; the keys are left for the message about them.
        return Ok(tensors);
    };
    // A dict of several things, one of which holds the weights, or the weights themselves.
    let outermost = prefix.split_inclusive('.').next().filter(|&first| first != PARALLEL);
    let mut unwrapped = BTreeMap::new();
    for (key, entry) in tensors {
        let outside = match outermost {
            Some(first) => !key.starts_with(first),
            None => BESIDE.iter().any(|beside| key.starts_with(beside)),
        };
        if !outside {
            let bare = key.strip_prefix(&prefix).unwrap_or(&key).to_owned();
            if unwrapped.insert(bare.clone(), entry).is_some() {
                let reason = format!("it has both {prefix}{bare} and {bare}");
                return Err(Error::WeightsFile { origin: origin.to_owned(), reason });
            }
        }
    }
    Ok(unwrapped)
}

/// What stands before the landmark, where there is one.
fn prefix(tensors: &BTreeMap<String, Entry>, origin: &str) -> Result<Option<String>> {
    let before = |key: &String| {
        let prefix = key.strip_suffix(LANDMARK)?;
        (prefix.is_empty() || prefix.ends_with('.')).then(|| prefix.to_owned())
    };
    let found: Vec<String> = tensors.keys().filter_map(before).collect();
    match &found[..] {
        [] => Ok(None),
        [one] => Ok(Some(one.clone())),
        several => {
            let preferred = several.iter().find(|prefix| PREFERRED.contains(&prefix.as_str()));
            let named = several.iter().map(|p| p.trim_end_matches('.')).collect::<Vec<_>>().join(", ");
            let reason =
                format!("it holds several networks ({named}); save one of them in a file of its own");
            preferred
                .map(|prefix| Some(prefix.clone()))
                .ok_or_else(|| Error::WeightsFile { origin: origin.to_owned(), reason })
        }
    }
}
