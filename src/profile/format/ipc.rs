//! Arrow IPC files (Feather 2), block by block.
//!
//! The reader of the `arrow-ipc` crate allocates whatever length a file states; here every length
//! is checked against the bytes there are, and against the limits, before its decoder is called.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::reader::{FileDecoder, read_footer_length};
use arrow_ipc::{Block, Message, Precision};
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
    check_schema(&schema)?;
    let schema = Arc::new(arrow_ipc::convert::fb_to_schema(schema));
    let mut decoder = FileDecoder::new(Arc::clone(&schema), footer.version());
    let mut budget = limit;
    for block in footer.dictionaries().iter().flatten() {
        let data = checked_block(&buffer, block, &mut budget)?;
        check_values(&schema, &data)?;
        decoder.read_dictionary(block, &data)?;
    }
    let mut batches = Vec::new();
    for block in footer.recordBatches().iter().flatten() {
        let data = checked_block(&buffer, block, &mut budget)?;
        check_values(&schema, &data)?;
        batches.extend(decoder.read_record_batch(block, &data)?);
    }
    Ok(IpcFile { schema, batches })
}

/// Refuses columns that are no labels and no numbers; the conversion of the crate panics at types
/// that it does not know.
fn check_schema(schema: &arrow_ipc::Schema<'_>) -> Result<(), ArrowError> {
    let Some(fields) = schema.fields() else {
        return Err(ArrowError::SchemaError("no columns".to_owned()));
    };
    for field in fields {
        let is_whole = |int: arrow_ipc::Int<'_>| matches!(int.bitWidth(), 8 | 16 | 32 | 64);
        let index = field.dictionary().map(|dictionary| dictionary.indexType());
        let has_index = index.is_none_or(|index| index.is_some_and(is_whole));
        let is_known = match field.type_type() {
            arrow_ipc::Type::Int => field.type_as_int().is_some_and(is_whole),
            arrow_ipc::Type::FloatingPoint => field.type_as_floating_point().is_some_and(|float| {
                [Precision::HALF, Precision::SINGLE, Precision::DOUBLE].contains(&float.precision())
            }),
            arrow_ipc::Type::Utf8 | arrow_ipc::Type::LargeUtf8 | arrow_ipc::Type::Utf8View => true,
            _ => false,
        };
        if !is_known || !has_index {
            return Err(ArrowError::SchemaError(format!(
                "column `{}`: expected text or numbers, found {:?}",
                field.name().unwrap_or_default(),
                field.type_type(),
            )));
        }
    }
    Ok(())
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

/// Refuses missing values, which neither a label nor an abundance may be; the decoder panics where
/// their bitmap is too short.
fn check_values(schema: &Schema, data: &[u8]) -> Result<(), ArrowError> {
    let message = message(data).ok_or_else(|| ArrowError::IpcError("a block is damaged".into()))?;
    let dictionary = message.header_as_dictionary_batch();
    let batch = dictionary.and_then(|dictionary| dictionary.data());
    let nodes = message.header_as_record_batch().or(batch);
    let mut nodes = nodes.and_then(|batch| batch.nodes()).into_iter().flatten();
    let Some((column, node)) = (0..)
        .zip(&mut nodes)
        .find(|(_, node)| node.null_count() != 0)
    else {
        return Ok(());
    };
    let name = match dictionary {
        Some(_) => "a dictionary".to_owned(),
        None => format!(
            "column `{}`",
            schema.fields().get(column).map_or("", |field| field.name())
        ),
    };
    Err(ArrowError::ComputeError(format!(
        "{name}: expected abundances, found {} missing values (write 0 for not detected)",
        node.null_count()
    )))
}

/// The message at the start of a block.
fn message(data: &[u8]) -> Option<Message<'_>> {
    let start = if data.starts_with(&[0xff; 4]) { 8 } else { 4 };
    arrow_ipc::root_as_message(data.get(start..)?).ok()
}

/// The bytes that the compressed buffers of a message say they unpack to, and for every batch
/// the room that its rows take where a column is a constant; `None` where a buffer lies outside.
fn stated_length(head: &[u8], content: &[u8]) -> Option<u64> {
    let message = message(head)?;
    let batch = message.header_as_record_batch().or_else(|| {
        message
            .header_as_dictionary_batch()
            .and_then(|batch| batch.data())
    })?;
    let nodes = batch.nodes().into_iter().flatten();
    let n_values = nodes.map(|node| u64::try_from(node.length()).unwrap_or(u64::MAX));
    let mut stated = n_values.fold(0, u64::saturating_add);
    for buffer in batch.buffers().into_iter().flatten() {
        let offset = usize::try_from(buffer.offset()).ok()?;
        let length = usize::try_from(buffer.length()).ok()?;
        let bytes = content.get(offset..offset.checked_add(length)?)?;
        if batch.compression().is_none() || length < 8 {
            continue;
        }
        // -1 says that the buffer is not compressed.
        let prefix = bytes.get(..8)?.try_into().ok()?;
        let length = u64::try_from(i64::from_le_bytes(prefix)).unwrap_or(0);
        stated = stated.saturating_add(length);
    }
    Some(stated)
}
