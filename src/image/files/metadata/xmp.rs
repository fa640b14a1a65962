//! XMP packets.

/// What makes galleries look for a video behind a photo, where none is written.
const VIDEO_BEHIND: [&[u8]; 2] = [b"Camera:MotionPhoto", b"Camera:MicroVideo"];

/// Sets the orientation that some programs repeat in the packet to upright.
pub(crate) fn upright(packet: &mut [u8]) {
    set(packet, b"tiff:Orientation", b'1');
}

/// Has the photo be one without a video.
pub(crate) fn still(packet: &mut [u8]) {
    for name in VIDEO_BEHIND {
        set(packet, name, b'0');
    }
}

/// Sets a property of one digit wherever it stands, as an attribute, `NAME="6"`, or as an element.
fn set(packet: &mut [u8], name: &[u8], digit: u8) {
    let mut from = 0;
    while let Some(found) = packet[from..].windows(name.len()).position(|window| window == name) {
        let closing = (from + found).checked_sub(1).is_some_and(|before| packet[before] == b'/');
        from += found + name.len();
        if closing {
            continue;
        }
        let value = packet[from..].iter().position(|b| !b"=\"'> \t\r\n".contains(b));
        if let Some(at) = value.map(|at| from + at).filter(|at| *at > from && packet[*at].is_ascii_digit()) {
            packet[at] = digit;
        }
    }
}
