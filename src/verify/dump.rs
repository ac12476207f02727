//! A dump: messages of the log in a file, as the server had them. Each record is its length (four bytes, big endian) and
//! a MessagePack map; the first says what the file is.

use std::fs::File;
use std::io::{BufReader, BufWriter, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use andon_nats::{HeaderMap, StoredMessage};
use anyhow::{Context as _, bail};
use bus_schemas::{TimeUs, codec};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// What the first record calls the file.
const FORMAT: &str = "andon-log-1";
/// The largest message a server takes is 8 MiB; its headers and the map around it are small.
const RECORD_MAX: usize = 9 << 20;

/// What part of which log a dump holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// When the stream was created: another time is another stream.
    pub stream_created_us: TimeUs,
    /// The first sequence.
    pub first_seq: u64,
    /// The last sequence.
    pub last_seq: u64,
    /// The log went on after it.
    pub cut: bool,
}

#[derive(Serialize, Deserialize)]
struct Beginning {
    format: String,
    about: About,
}

#[derive(Serialize, Deserialize)]
struct Record {
    seq: u64,
    subject: String,
    time_us: TimeUs,
    headers: Vec<(String, String)>,
    #[serde(with = "serde_bytes")]
    payload: Vec<u8>,
}

/// Writes a dump.
pub struct Writer {
    file: BufWriter<File>,
    path: PathBuf,
}

impl Writer {
    /// Begins a file; one that is there is never overwritten.
    ///
    /// # Errors
    /// It is there already, or cannot be made.
    pub fn create(path: &Path, about: &About) -> anyhow::Result<Self> {
        let file = File::create_new(path).with_context(|| format!("{} cannot be made", path.display()))?;
        let mut writer = Self { file: BufWriter::new(file), path: path.to_owned() };
        writer.record(&Beginning { format: FORMAT.to_owned(), about: *about })?;
        Ok(writer)
    }

    /// Adds a message.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&mut self, message: &StoredMessage) -> anyhow::Result<()> {
        let headers = message
            .headers
            .iter()
            .flat_map(|(name, values)| values.iter().map(move |value| (name.to_string(), value.as_str().to_owned())));
        self.record(&Record {
            seq: message.seq,
            subject: message.subject.clone(),
            time_us: message.time_us,
            headers: headers.collect(),
            payload: message.payload.to_vec(),
        })
    }

    /// Ends the file; it is on disk then.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn finish(self) -> anyhow::Result<()> {
        let unwritten = || format!("{} cannot be written", self.path.display());
        let file = self.file.into_inner().map_err(std::io::IntoInnerError::into_error).with_context(unwritten)?;
        file.sync_all().with_context(unwritten)
    }

    fn record(&mut self, record: &impl Serialize) -> anyhow::Result<()> {
        let bytes = codec::encode(record)?;
        let length = u32::try_from(bytes.len()).context("a message is too large for a dump")?;
        let written = self.file.write_all(&length.to_be_bytes()).and_then(|()| self.file.write_all(&bytes));
        written.with_context(|| format!("{} cannot be written", self.path.display()))
    }
}

/// Reads a dump.
pub struct Reader {
    file: BufReader<File>,
    path: PathBuf,
    about: About,
}

impl Reader {
    /// Opens a file.
    ///
    /// # Errors
    /// It cannot be read, or is no dump.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let mut file = BufReader::new(file);
        let beginning = read_record::<Beginning>(&mut file).ok().flatten();
        match beginning {
            Some(Beginning { format, about }) if format == FORMAT => Ok(Self { file, path: path.to_owned(), about }),
            _ => bail!("{} is no dump of a log (`andon verify --dump` makes one)", path.display()),
        }
    }

    /// What it holds.
    pub const fn about(&self) -> About {
        self.about
    }

    /// The next message; none at the end.
    ///
    /// # Errors
    /// The file cannot be read, or is damaged.
    pub fn next(&mut self) -> anyhow::Result<Option<StoredMessage>> {
        let record: Option<Record> =
            read_record(&mut self.file).with_context(|| format!("{} is damaged", self.path.display()))?;
        let Some(record) = record else { return Ok(None) };
        let mut headers = HeaderMap::new();
        for (name, value) in &record.headers {
            // Both were headers of a message once; what a damaged file says instead is left out.
            if let (Ok(name), Ok(value)) =
                (name.parse::<async_nats::HeaderName>(), value.parse::<async_nats::HeaderValue>())
            {
                headers.append(name, value);
            }
        }
        Ok(Some(StoredMessage {
            subject: record.subject,
            seq: record.seq,
            time_us: record.time_us,
            headers,
            payload: record.payload.into(),
        }))
    }
}

fn read_record<T: DeserializeOwned>(file: &mut BufReader<File>) -> anyhow::Result<Option<T>> {
    let mut length = [0; 4];
    match file.read_exact(&mut length[..1]) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    file.read_exact(&mut length[1..])?;
    let length = usize::try_from(u32::from_be_bytes(length))?;
    if length > RECORD_MAX {
        bail!("a record of {length} bytes");
    }
    let mut bytes = vec![0; length];
    file.read_exact(&mut bytes)?;
    Ok(Some(codec::decode(&bytes)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABOUT: About = About { stream_created_us: TimeUs::from_micros(7), first_seq: 3, last_seq: 4, cut: false };

    fn message(seq: u64) -> StoredMessage {
        let mut headers = HeaderMap::new();
        headers.insert("Some-Header", "a value");
        headers.append("Some-Header", "another");
        StoredMessage {
            subject: format!("a.subject.{seq}"),
            seq,
            time_us: TimeUs::from_micros(1),
            headers,
            payload: vec![0, 255, 7].into(),
        }
    }

    fn dump(path: &Path) {
        let mut writer = Writer::create(path, &ABOUT).expect("a file");
        [3, 4].map(message).iter().for_each(|message| writer.write(message).expect("written"));
        writer.finish().expect("written");
    }

    #[test]
    fn what_was_written_is_read() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("dump");
        dump(&path);
        let mut reader = Reader::open(&path).expect("a dump");
        assert_eq!(reader.about(), ABOUT);
        for seq in [3, 4] {
            let (read, written) = (reader.next().expect("sound").expect("a message"), message(seq));
            assert_eq!((read.seq, &read.subject, read.time_us), (seq, &written.subject, written.time_us));
            assert_eq!((read.headers, read.payload), (written.headers, written.payload));
        }
        assert!(reader.next().expect("sound").is_none());
        assert!(Writer::create(&path, &ABOUT).is_err(), "nothing is overwritten");
    }

    #[test]
    fn what_is_no_dump_or_a_damaged_one_is_refused_by_name() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("dump");
        std::fs::write(&path, "something else").expect("written");
        let refused = Reader::open(&path).err().expect("refused").to_string();
        assert!(refused.contains("no dump"), "{refused}");
        std::fs::remove_file(&path).expect("removed");
        dump(&path);
        let bytes = std::fs::read(&path).expect("read");
        std::fs::write(&path, &bytes[..bytes.len() - 2]).expect("written");
        let mut reader = Reader::open(&path).expect("its beginning is sound");
        assert!(reader.next().expect("sound").is_some());
        assert!(reader.next().expect_err("cut").to_string().contains("damaged"));
    }
}
