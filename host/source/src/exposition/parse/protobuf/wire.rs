//! Fields as the protobuf wire format has them.

/// The longest field of a family, in bytes. Metrics of real exporters have some thousand at most.
pub(super) const MAX_FIELD: usize = 256 << 10;

pub(super) const WIRE_TYPE: &str = "a field has a wire type that it cannot have";

/// A field of a message.
pub(super) struct Field<'a> {
    pub(super) number: u64,
    pub(super) content: Content<'a>,
    /// How many bytes it has in all.
    pub(super) size: usize,
}

pub(super) enum Content<'a> {
    Varint(u64),
    Fixed,
    Bytes(&'a [u8]),
}

/// The first field of these bytes; `None` if it does not end in them.
pub(super) fn field(bytes: &[u8]) -> Result<Option<Field<'_>>, &'static str> {
    let Some((key, head)) = varint(bytes)? else { return Ok(None) };
    let (number, after) = (key >> 3, &bytes[head..]);
    if number == 0 {
        return Err("there is no field of the number 0");
    }
    let (content, size) = match key & 7 {
        0 => match varint(after)? {
            Some((value, size)) => (Content::Varint(value), size),
            None => return Ok(None),
        },
        1 if after.len() >= 8 => (Content::Fixed, 8),
        5 if after.len() >= 4 => (Content::Fixed, 4),
        1 | 5 => return Ok(None),
        2 => {
            let Some((length, start)) = varint(after)? else { return Ok(None) };
            let length = usize::try_from(length).ok().filter(|&length| length <= MAX_FIELD);
            let length = length.ok_or("it has a metric, or a text, of more than 256 KiB")?;
            match after.get(start..start + length) {
                Some(content) => (Content::Bytes(content), start + length),
                None => return Ok(None),
            }
        }
        _ => return Err(WIRE_TYPE),
    };
    Ok(Some(Field { number, content, size: head + size }))
}

/// A number of seven bits a byte, and how many bytes it has; `None` if it does not end in these.
pub(super) fn varint(bytes: &[u8]) -> Result<Option<(u64, usize)>, &'static str> {
    let mut value = 0;
    for (at, &byte) in bytes.iter().take(10).enumerate() {
        // Of the tenth byte there is room for one bit.
        if at == 9 && byte > 1 {
            return Err("a number has more than 64 bits");
        }
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte < 0x80 {
            return Ok(Some((value, at + 1)));
        }
    }
    Ok(None)
}
