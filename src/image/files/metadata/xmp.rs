//! XMP packets.

/// Sets the orientation that some programs repeat in the packet, as `tiff:Orientation="6"` or in an element of that
/// name, to upright.
pub(crate) fn upright(packet: &mut [u8]) {
    const NAME: &[u8] = b"tiff:Orientation";
    let mut from = 0;
    while let Some(found) = packet[from..].windows(NAME.len()).position(|window| window == NAME) {
        let closing = (from + found).checked_sub(1).is_some_and(|before| packet[before] == b'/');
        from += found + NAME.len();
        if closing {
            continue;
        }
        let value = packet[from..].iter().position(|b| !b"=\"'> \t\r\n".contains(b));
        if let Some(at) = value.map(|at| from + at).filter(|at| *at > from && packet[*at].is_ascii_digit()) {
            packet[at] = b'1';
        }
    }
}
