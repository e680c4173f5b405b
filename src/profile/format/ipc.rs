//! Arrow IPC files (Feather 2) and streams, block by block.
//!
//! The reader of the `arrow-ipc` crate allocates whatever length a file states; here every length
//! is checked against the bytes there are, and against the limits, before its decoder is called.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::reader::{FileDecoder, read_footer_length};
use arrow_ipc::{Block, Message, Precision};
use arrow_schema::{ArrowError, DataType, Schema};

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
    if bytes.starts_with(b"ARROW1") {
        read_file(Buffer::from_vec(bytes), limit)
    } else {
        read_stream(Buffer::from_vec(bytes), limit)
    }
}

/// A stream: messages one after another, the schema first, each before its data.
fn read_stream(buffer: Buffer, limit: u64) -> Result<IpcFile, ArrowError> {
    let refused = || ArrowError::IpcError("the stream is damaged or truncated".to_owned());
    let mut schema: Option<Arc<Schema>> = None;
    let mut decoder: Option<FileDecoder> = None;
    let mut batches = Vec::new();
    let (mut at, mut budget) = (0, limit);
    while let Some((prefix, length)) = next_message(&buffer, at) {
        if length == 0 {
            break;
        }
        let end = prefix.checked_add(length).and_then(|n| n.checked_add(at));
        let head = end
            .and_then(|end| buffer.get(at..end))
            .ok_or_else(refused)?;
        let message = message(head).ok_or_else(refused)?;
        let body = usize::try_from(message.bodyLength()).map_err(|_| refused())?;
        let n_head = i32::try_from(head.len()).map_err(|_| refused())?;
        let start = i64::try_from(at).map_err(|_| refused())?;
        let block = Block::new(start, n_head, message.bodyLength());
        match (message.header_as_schema(), decoder.as_mut(), &schema) {
            (Some(found), None, _) => {
                check_schema(&found)?;
                let found = Arc::new(arrow_ipc::convert::fb_to_schema(found));
                decoder = Some(FileDecoder::new(Arc::clone(&found), message.version()));
                schema = Some(found);
            }
            (None, Some(decoder), Some(schema)) => {
                let data = checked_block(&buffer, &block, &mut budget)?;
                check_values(schema, &data)?;
                if message.header_as_dictionary_batch().is_some() {
                    decoder.read_dictionary(&block, &data)?;
                } else {
                    batches.extend(decoder.read_record_batch(&block, &data)?);
                }
            }
            _ => return Err(refused()),
        }
        let next = at.checked_add(head.len()).and_then(|n| n.checked_add(body));
        at = next.ok_or_else(refused)?;
    }
    let schema = schema.ok_or_else(refused)?;
    Ok(IpcFile { schema, batches })
}

/// The bytes before the next message and its length; nothing where the stream ends.
fn next_message(buffer: &[u8], at: usize) -> Option<(usize, usize)> {
    let word =
        |at: usize| -> Option<[u8; 4]> { buffer.get(at..at.checked_add(4)?)?.try_into().ok() };
    let first = word(at)?;
    if first == [0xff; 4] {
        let length = word(at + 4)?;
        Some((8, u32::from_le_bytes(length) as usize))
    } else {
        Some((4, u32::from_le_bytes(first) as usize))
    }
}

fn read_file(buffer: Buffer, limit: u64) -> Result<IpcFile, ArrowError> {
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
        .ok_or_else(|| refused("would unpack to more than allowed by `limits.expansion`"))?;
    Ok(data)
}

/// Refuses missing values where numbers stand, and bitmaps of missing texts that are too short: the
/// decoder panics at these.
fn check_values(schema: &Schema, data: &[u8]) -> Result<(), ArrowError> {
    let damaged = || ArrowError::IpcError("a block is damaged".into());
    let message = message(data).ok_or_else(damaged)?;
    let dictionary = message.header_as_dictionary_batch();
    let batch = message
        .header_as_record_batch()
        .or_else(|| dictionary.and_then(|dictionary| dictionary.data()))
        .ok_or_else(damaged)?;
    let mut buffers = batch.buffers().into_iter().flatten();
    let mut n_views = batch.variadicBufferCounts().into_iter().flatten();
    for (column, node) in (0..).zip(batch.nodes().into_iter().flatten()) {
        let field = schema.fields().get(column).filter(|_| dictionary.is_none());
        let kind = field.map_or(&DataType::Utf8, |field| field.data_type());
        let is_text = matches!(
            kind,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Dictionary(..)
        );
        let bitmap = buffers.next();
        let n_more = match kind {
            DataType::Utf8 | DataType::LargeUtf8 => 2,
            DataType::Utf8View => 1 + usize::try_from(n_views.next().unwrap_or(0)).unwrap_or(0),
            _ => 1,
        };
        if n_more > 0 {
            buffers.nth(n_more - 1);
        }
        if node.null_count() == 0 {
            continue;
        }
        if !is_text || dictionary.is_some() {
            let name = field.map_or_else(
                || "a dictionary".to_owned(),
                |field| format!("column `{}`", field.name()),
            );
            return Err(ArrowError::ComputeError(format!(
                "{name}: expected abundances, found {} missing values (write 0 for not detected)",
                node.null_count()
            )));
        }
        let n_bits = u64::try_from(node.length()).map_err(|_| damaged())?;
        let is_compressed = batch.compression().is_some();
        let n_bytes = bitmap.and_then(|bitmap| u64::try_from(bitmap.length()).ok());
        // What a compressed bitmap unpacks to is known to the decoder only, which checks it.
        let is_long_enough = n_bytes.is_some_and(|n| is_compressed || n * 8 >= n_bits);
        if !is_long_enough {
            return Err(damaged());
        }
    }
    Ok(())
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
