//! Keys as the network has them, from keys as files have them.

use std::collections::BTreeMap;

use super::{Entry, quoted};
use crate::{Error, Result};

/// A key that every MPRNet has: what stands before it in a file is what the file wraps its keys in.
const LANDMARK: &str = "shallow_feat1.0.weight";

/// Which of several networks in one file is taken, the first of these that there is: weights beside which others are
/// intermediate. `params_ema` is a moving average, which restores better than the `params` that it follows.
const PREFERRED: [&str; 3] = ["state_dict.", "state_dict.module.", "params_ema."];

/// What `DataParallel` puts before every key.
const PARALLEL: &str = "module.";

/// So many networks an error lists.
const LISTED: usize = 3;

/// What lies beside the weights in a bare dict, by custom.
const BESIDE: [&str; 2] = ["optimizer.", "scheduler."];

/// Bare keys: takes the wrapping off all keys, and leaves out what lies outside of it.
pub(super) fn bare(tensors: BTreeMap<String, Entry>, origin: &str) -> Result<BTreeMap<String, Entry>> {
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
            let preferred = PREFERRED.into_iter().find(|&preferred| several.iter().any(|p| p == preferred));
            let refusal = || Error::WeightsFile { origin: origin.to_owned(), reason: ambiguous(several) };
            preferred.map(|prefix| Some(prefix.to_owned())).ok_or_else(refusal)
        }
    }
}

/// That one of the networks behind these prefixes would have to be chosen.
fn ambiguous(prefixes: &[String]) -> String {
    let name = |prefix: &String| match prefix.trim_end_matches('.') {
        "" => "one without a prefix".to_owned(),
        name => name.to_owned(),
    };
    let listed: Vec<String> = prefixes.iter().take(LISTED).map(name).collect();
    let more = match prefixes.len().saturating_sub(LISTED) {
        0 => String::new(),
        count => format!(" and {count} more"),
    };
    let listed = quoted(&listed.join(", "));
    format!("it holds several networks ({listed}{more}); save one of them in a file of its own")
}
