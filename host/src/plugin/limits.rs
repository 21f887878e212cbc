//! placeholder
/// The largest component there can be.
pub const MOST_BYTES: u64 = 32 << 20;
/// placeholder
#[derive(Debug, Default)]
pub struct Structure {}
/// placeholder
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ExceededLimit(String);
/// placeholder
pub fn check(_bytes: &[u8], _limits: &Structure) -> Result<(), ExceededLimit> {
    Ok(())
}
