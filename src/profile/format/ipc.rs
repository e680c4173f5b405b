//! Arrow IPC files (Feather 2), block by block.
//!
//! The reader of the `arrow-ipc` crate allocates whatever length a file states; here every length
//! is checked against the bytes there are, and against the limits, before its decoder is called.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::reader::{FileDecoder, read_footer_length};
use arrow_ipc::{Block, Message};
use arrow_schema::{ArrowError, Schema};

/// The bytes after the footer: its length, and `ARROW1`.
const TRAILER: usize = 10;
/// An open file: its schema, and the batches in it.
pub(super) struct IpcFile {
    pub(super) schema: Arc<Schema>,
    pub(super) batches: Vec<RecordBatch>,
}

/// Reads all batches of a file that is held in memory, whose compressed columns may state at most
/// `limit` bytes.
///
/// # Errors
/// [`ArrowError`] where a length does not fit, or a block does not hold what the schema says.
pub(super) fn read(bytes: Vec<u8>, limit: u64) -> Result<IpcFile, ArrowError> {
    let buffer = Buffer::from_vec(bytes);
    let refused = || ArrowError::IpcError("the footer is damaged or truncated".to_owned());
    let trailer_start = buffer.len().checked_sub(TRAILER).ok_or_else(refused)?;
    let trailer = buffer
        .get(trailer_start..)
        .and_then(|trailer| trailer.try_into().ok());
    let footer_length = read_footer_length(trailer.ok_or_else(refused)?)?;
    let footer_start = trailer_start
        .checked_sub(footer_length)
        .ok_or_else(refused)?;
    let footer = buffer
        .get(footer_start..trailer_start)
        .ok_or_else(refused)?;
    let footer = arrow_ipc::root_as_footer(footer)
        .map_err(|error| ArrowError::ParseError(error.to_string()))?;
    let schema = footer.schema().ok_or_else(refused)?;
    let schema = Arc::new(arrow_ipc::convert::fb_to_schema(schema));
    let mut decoder = FileDecoder::new(Arc::clone(&schema), footer.version());
    let mut budget = limit;
    for block in footer.dictionaries().iter().flatten() {
        let data = checked_block(&buffer, block, &mut budget)?;
        decoder.read_dictionary(block, &data)?;
    }
    let mut batches = Vec::new();
    for block in footer.recordBatches().iter().flatten() {
        let data = checked_block(&buffer, block, &mut budget)?;
        batches.extend(decoder.read_record_batch(block, &data)?);
    }
    Ok(IpcFile { schema, batches })
}

/// The bytes of a block, whose compressed buffers state no more than is left of the budget.
fn checked_block(buffer: &Buffer, block: &Block, budget: &mut u64) -> Result<Buffer, ArrowError> {
    let refused = |what: &str| ArrowError::IpcError(format!("a block {what}"));
    let [offset, metadata, body] = [
        block.offset(),
        i64::from(block.metaDataLength()),
        block.bodyLength(),
    ]
    .map(usize::try_from);
    let (Ok(offset), Ok(metadata), Ok(body)) = (offset, metadata, body) else {
        return Err(refused("has a negative length"));
    };
    let end = metadata
        .checked_add(body)
        .and_then(|length| offset.checked_add(length));
    if metadata < 8 || end.is_none_or(|end| end > buffer.len()) {
        return Err(refused("lies outside the file"));
    }
    let data = buffer.slice_with_length(offset, metadata + body);
    let (head, content) = data.split_at(metadata);
    let stated = stated_length(head, content).ok_or_else(|| refused("is damaged"))?;
    *budget = budget
        .checked_sub(stated)
        .ok_or_else(|| refused("would unpack beyond the limits"))?;
    Ok(data)
}

/// The bytes that the compressed buffers of a message say they unpack to, and for every batch
/// the room that its rows take where a column is a constant.
fn stated_length(head: &[u8], content: &[u8]) -> Option<u64> {
    let start = if head.starts_with(&[0xff; 4]) { 8 } else { 4 };
    let message: Message<'_> = arrow_ipc::root_as_message(head.get(start..)?).ok()?;
    let batch = message.header_as_record_batch().or_else(|| {
        message
            .header_as_dictionary_batch()
            .and_then(|batch| batch.data())
    })?;
    let nodes = batch.nodes().into_iter().flatten();
    let n_values = nodes.map(|node| u64::try_from(node.length()).unwrap_or(u64::MAX));
    let mut stated = n_values.fold(0, u64::saturating_add);
    if batch.compression().is_none() {
        return Some(stated);
    }
    for buffer in batch.buffers().into_iter().flatten() {
        let offset = usize::try_from(buffer.offset()).ok()?;
        if buffer.length() < 8 {
            continue;
        }
        let prefix = content
            .get(offset..offset.checked_add(8)?)?
            .try_into()
            .ok()?;
        // -1 says that the buffer is not compressed.
        let length = u64::try_from(i64::from_le_bytes(prefix)).unwrap_or(0);
        stated = stated.saturating_add(length);
    }
    Some(stated)
}
