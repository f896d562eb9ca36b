//! Writing and reading the log.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior, params_from_iter};
use thiserror::Error;

use super::schema::MIGRATIONS;

const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Page cache of the writer (negative: KiB): the inner pages of every index stay in it.
const CACHE_KIB: i64 = -32 * 1024;
/// Page size of a new log. A commit writes every page it touched, whole, to the write-ahead log, and an order touches the
/// last page of a dozen tables and indexes: small pages make one order cheap, large ones a batch of thousands.
const PAGE_BYTES: i64 = 2048;
/// Pages in the write-ahead log before they are copied into the file (64 MiB). That copy waits for the disk, so it
/// must be rarer than one batch in a hundred, and the log is read back at the next start in a fraction of a second.
const CHECKPOINT_PAGES: i64 = 64 * 1024 * 1024 / PAGE_BYTES;

/// How much a committed batch survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// The end of every process; not the loss of power.
    Journalled,
    /// The loss of power as well.
    Durable,
}

/// A cell.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// NULL.
    Null,
    /// INTEGER.
    Integer(i64),
    /// REAL.
    Real(f64),
    /// TEXT.
    Text(String),
}

/// A row for one table, as column names and cells.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Table of the log.
    pub table: String,
    /// Columns with their cells; `id` is given by the log.
    pub cells: Vec<(String, Value)>,
}

/// The result of a query, by column.
#[derive(Clone, Debug, PartialEq)]
pub struct Columns {
    /// Names in the order of the query.
    pub names: Vec<String>,
    /// One vector for each name.
    pub values: Vec<Vec<Value>>,
}

/// What can go wrong with the log.
#[derive(Debug, Error)]
pub enum OpsError {
    /// A row whose unique key is in the log already; the whole batch was left out.
    #[error("{table}: a row with this key is in the log already ({detail}); nothing of the batch was written")]
    Duplicate {
        /// Table of the row.
        table: String,
        /// What SQLite said.
        detail: String,
    },
    /// A table or column that the log does not have.
    #[error("the log has no {what}")]
    NoSuch {
        /// Table or column.
        what: String,
    },
    /// A newer DeepAlpha wrote this file.
    #[error("{path} has schema {found}, this DeepAlpha knows {known}; update DeepAlpha or use another --workspace")]
    Newer {
        /// The file.
        path: String,
        /// Its schema.
        found: usize,
        /// Ours.
        known: usize,
    },
    /// The file is damaged.
    #[error("{path} is damaged ({detail}); move it away and restore a backup (`deepalpha store restore`)")]
    Damaged {
        /// The file.
        path: String,
        /// What SQLite said.
        detail: String,
    },
    /// The file cannot be opened or written.
    #[error("{path}: {detail}; check that the directory exists and is writable, or use another --workspace")]
    File {
        /// The file.
        path: String,
        /// What SQLite said.
        detail: String,
    },
    /// A record that cannot be written as text.
    #[error("a record cannot be written as JSON: {detail}")]
    Unwritable {
        /// What is wrong.
        detail: String,
    },
    /// Anything else SQLite says.
    #[error("ops.sqlite: {0}")]
    Sql(rusqlite::Error),
}

/// The log, open for writing and reading.
#[derive(Debug)]
pub struct OpsLog {
    path: PathBuf,
    writer: Connection,
    reader: Connection,
    /// Level the writer is set to; changed only when a batch asks for the other one.
    level: Level,
}

impl OpsLog {
    /// Open the log, make it when there is none, and bring its schema up to date.
    ///
    /// # Errors
    /// Not writable, damaged, or written by a newer version.
    pub fn open(path: &Path) -> Result<Self, OpsError> {
        let classify = |error| Self::classify(path, error);
        let mut writer = Connection::open(path).map_err(classify)?;
        writer.busy_timeout(BUSY_TIMEOUT).map_err(classify)?;
        // A log that is there already keeps the size it was made with.
        writer.pragma_update(None, "page_size", PAGE_BYTES).map_err(classify)?;
        writer.pragma_update(None, "journal_mode", "WAL").map_err(classify)?;
        writer.pragma_update(None, "synchronous", "NORMAL").map_err(classify)?;
        writer.pragma_update(None, "cache_size", CACHE_KIB).map_err(classify)?;
        writer.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES).map_err(classify)?;
        Self::migrate(&mut writer, path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let reader = Connection::open_with_flags(path, flags).map_err(classify)?;
        reader.busy_timeout(BUSY_TIMEOUT).map_err(classify)?;
        Ok(Self { path: path.to_owned(), writer, reader, level: Level::Journalled })
    }

    fn migrate(writer: &mut Connection, path: &Path) -> Result<(), OpsError> {
        let classify = |error| Self::classify(path, error);
        let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate).map_err(classify)?;
        let found: u32 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(classify)?;
        let found = usize::try_from(found).unwrap_or(usize::MAX);
        if found > MIGRATIONS.len() {
            let path = path.display().to_string();
            return Err(OpsError::Newer { path, found, known: MIGRATIONS.len() });
        }
        for migration in MIGRATIONS.iter().skip(found) {
            transaction.execute_batch(migration).map_err(classify)?;
        }
        transaction
            .pragma_update(None, "user_version", u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX))
            .map_err(classify)?;
        transaction.commit().map_err(classify)
    }

    pub(super) fn classify(path: &Path, error: rusqlite::Error) -> OpsError {
        let (path, detail) = (path.display().to_string(), error.to_string());
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => OpsError::Damaged { path, detail },
            Some(
                ErrorCode::CannotOpen
                | ErrorCode::ReadOnly
                | ErrorCode::PermissionDenied
                | ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::DatabaseBusy,
            ) => OpsError::File { path, detail },
            _ => OpsError::Sql(error),
        }
    }

    /// Append a batch as one transaction; returns the id of each row.
    ///
    /// # Errors
    /// A duplicate key, an unknown table or column, or a file that cannot be written: nothing is written then.
    pub fn append(&mut self, rows: &[Row], level: Level) -> Result<Vec<i64>, OpsError> {
        self.at_level(level)?;
        self.append_in_transaction(rows)
    }

    /// Set what the next commit survives.
    pub(super) fn at_level(&mut self, level: Level) -> Result<(), OpsError> {
        if self.level != level {
            let mode = if level == Level::Durable { "FULL" } else { "NORMAL" };
            self.writer.pragma_update(None, "synchronous", mode).map_err(|error| Self::classify(&self.path, error))?;
            self.level = level;
        }
        Ok(())
    }

    /// The connection that writes, for the fast path.
    pub(super) fn writer(&mut self) -> (&Path, &mut Connection) {
        (&self.path, &mut self.writer)
    }

    fn append_in_transaction(&mut self, rows: &[Row]) -> Result<Vec<i64>, OpsError> {
        let Self { path, writer, .. } = self;
        let classify = |error| Self::classify(path, error);
        let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate).map_err(classify)?;
        let ids = rows.iter().map(|row| insert(&transaction, row, path)).collect::<Result<Vec<i64>, OpsError>>()?;
        transaction.commit().map_err(classify)?;
        Ok(ids)
    }

    /// Run a query on a connection that cannot write.
    ///
    /// # Errors
    /// What SQLite says about the query.
    pub fn select(&self, sql: &str, parameters: &[Value]) -> Result<Columns, OpsError> {
        let classify = |error| Self::classify(&self.path, error);
        let mut statement = self.reader.prepare_cached(sql).map_err(classify)?;
        let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let mut values: Vec<Vec<Value>> = vec![Vec::new(); names.len()];
        let mut rows = statement.query(params_from_iter(parameters.iter())).map_err(classify)?;
        while let Some(row) = rows.next().map_err(classify)? {
            for (index, column) in values.iter_mut().enumerate() {
                column.push(match row.get_ref(index).map_err(classify)? {
                    ValueRef::Null => Value::Null,
                    ValueRef::Integer(integer) => Value::Integer(integer),
                    ValueRef::Real(real) => Value::Real(real),
                    ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
                        Value::Text(String::from_utf8_lossy(bytes).into_owned())
                    }
                });
            }
        }
        Ok(Columns { names, values })
    }

    /// Check the whole file; the problems found, none when it is sound.
    ///
    /// # Errors
    /// A file that cannot be read at all.
    pub fn check(&self) -> Result<Vec<String>, OpsError> {
        let found = self.select("PRAGMA integrity_check", &[])?;
        let lines = found.values.into_iter().flatten().filter_map(|value| match value {
            Value::Text(text) if text != "ok" => Some(text),
            _ => None,
        });
        Ok(lines.collect())
    }
}

fn insert(transaction: &Transaction<'_>, row: &Row, path: &Path) -> Result<i64, OpsError> {
    let plain = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    if let Some(what) =
        std::iter::once(&row.table).chain(row.cells.iter().map(|(name, _)| name)).find(|name| !plain(name))
    {
        return Err(OpsError::NoSuch { what: what.clone() });
    }
    let names: Vec<&str> = row.cells.iter().map(|(name, _)| name.as_str()).collect();
    let marks = vec!["?"; names.len()].join(", ");
    let sql = format!("INSERT INTO {} (\"{}\") VALUES ({marks})", row.table, names.join("\", \""));
    let mut statement = transaction.prepare_cached(&sql).map_err(|error| match error.sqlite_error_code() {
        Some(ErrorCode::Unknown) | None => OpsError::NoSuch { what: error.to_string() },
        _ => OpsLog::classify(path, error),
    })?;
    statement.insert(params_from_iter(row.cells.iter().map(|(_, value)| value))).map_err(|error| {
        match error.sqlite_error() {
            Some(cause) if is_unique_violation(cause.extended_code) => {
                OpsError::Duplicate { table: row.table.clone(), detail: error.to_string() }
            }
            _ => OpsLog::classify(path, error),
        }
    })
}

pub(super) const fn is_unique_violation(extended_code: i32) -> bool {
    extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE
        || extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        match self {
            Self::Null => Ok(rusqlite::types::ToSqlOutput::Owned(rusqlite::types::Value::Null)),
            Self::Integer(integer) => integer.to_sql(),
            Self::Real(real) => real.to_sql(),
            Self::Text(text) => text.to_sql(),
        }
    }
}
