//! `GET /api/admin/sessions.csv`: sessions that ended, as a file for a spreadsheet.

use axum::{
    body::{Body, Bytes},
    extract::State,
    response::{IntoResponse, Response},
};
use futures::{Stream, stream};
use http::{HeaderValue, header};
use persistence::{HistoryFilter, Role, SessionRow, Store, StoreError};

use crate::{
    acting::history_error,
    app::App,
    error::{ApiError, Code},
    extract::{Params, Signed},
    records::Time,
    routes::admin::sessions::{Filter, PAGE_MAX},
};

/// Rows of a file at most: what a spreadsheet can open (2^20), with its head and [`MORE`].
const ROWS_MAX: usize = (1 << 20) - 2;
/// The last row of a file that could not hold everything.
const MORE: &str = "there are more sessions: ask for them with from and to";

/// Tells spreadsheets that the text is UTF-8: without it names in Hebrew and Russian are shown as rubbish.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

const HEAD: [&str; 20] = [
    "session_id",
    "worker",
    "station_code",
    "station",
    "station_type",
    "job_number",
    "customer",
    "planned_quantity",
    "opened_at",
    "started_at",
    "ended_at",
    "effective_end_at",
    "duration_s",
    "proven_duration_s",
    "status",
    "closed_cause",
    "last_working_status",
    "total_good",
    "total_scrap",
    "last_note",
];

/// Sessions that ended, newest first: the filters of `/api/admin/sessions`, no pages.
#[utoipa::path(get, path = "/api/admin/sessions.csv", tag = "admin",
    params(("station" = Option<uuid::Uuid>, Query), ("worker" = Option<uuid::Uuid>, Query),
        ("job" = Option<String>, Query, description = "id or number"),
        ("cause" = Option<String>, Query, description = "completed, idle, abandoned, replaced or admin"),
        ("from" = Option<String>, Query), ("to" = Option<String>, Query)),
    responses((status = 200, body = String, content_type = "text/csv"),
        (status = 503, description = "HISTORY_UNAVAILABLE")))]
pub async fn sessions_csv(
    State(app): State<App>,
    Signed(caller): Signed,
    params: Params,
) -> Result<Response, ApiError> {
    let account = caller.logins.account(Role::Viewer)?;
    let history = Filter::read(&params)?.of_history(&account)?;
    let store = app.store(Code::HistoryUnavailable)?.clone();
    let first = match history {
        // Asked before anything is answered, so that a database that is away is told in a status.
        Some(filter) => {
            let mut pages = Pages { store, filter: HistoryFilter { limit: Some(PAGE_MAX), ..filter }, left: ROWS_MAX };
            Some((pages.next().await.map_err(history_error)?, pages))
        }
        None => None,
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8; header=present")),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"sessions.csv\"")),
    ];
    Ok((headers, Body::from_stream(file(first))).into_response())
}

/// The pages of history, one after the other.
struct Pages {
    store: Store,
    filter: HistoryFilter,
    left: usize,
}

impl Pages {
    async fn next(&mut self) -> Result<Vec<u8>, StoreError> {
        let page = self.store.closed_sessions(&self.filter).await?;
        self.filter.cursor = page.next;
        let rows = page.sessions.iter().map(cells);
        Ok(part(rows, &mut self.left, page.next.is_some()))
    }
}

/// The lines of a page; `left` of the file after it is 0 when nothing may follow.
fn part(rows: impl ExactSizeIterator<Item = [String; HEAD.len()]>, left: &mut usize, more: bool) -> Vec<u8> {
    let (count, room) = (rows.len(), *left);
    let mut text = lines(rows.take(room));
    if count > room || (more && count == room) {
        text.extend(lines(std::iter::once(HEAD.map(|name| if name == HEAD[0] { MORE } else { "" }.to_owned()))));
    }
    *left = if more { room.saturating_sub(count) } else { 0 };
    text
}

/// The text, a page at a time: a database that goes away meanwhile breaks the download off, so that nobody takes a part
/// for the whole.
fn file(first: Option<(Vec<u8>, Pages)>) -> impl Stream<Item = Result<Bytes, StoreError>> {
    let head = [BYTE_ORDER_MARK, &lines(std::iter::once(HEAD.map(str::to_owned)))].concat();
    let (first, pages) = first.unzip();
    let head = [head, first.unwrap_or_default()].concat();
    let rest = stream::try_unfold(pages, |pages| async move {
        let Some(mut pages) = pages.filter(|pages| pages.left > 0) else { return Ok(None) };
        let text = pages.next().await?;
        Ok(Some((Bytes::from(text), Some(pages))))
    });
    futures::StreamExt::chain(stream::once(async { Ok(Bytes::from(head)) }), rest)
}

fn lines(rows: impl Iterator<Item = [String; HEAD.len()]>) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    for row in rows {
        if let Err(error) = writer.write_record(&row) {
            // Only memory is written to, and every row has as many cells.
            tracing::error!(%error, "a row could not be written");
        }
    }
    writer.into_inner().unwrap_or_default()
}

fn cells(row: &SessionRow) -> [String; HEAD.len()] {
    let time = |at| Time(at).to_string();
    let seconds =
        |end: Option<_>| end.map(|end: bus_schemas::TimeUs| end.since(row.started_at_us).as_secs().to_string());
    [
        row.id.to_string(),
        text(&row.worker_name),
        text(&row.station_code),
        text(&row.station_name),
        text(&row.station_type),
        text(&row.job_number),
        text(row.customer_name.as_deref().unwrap_or_default()),
        row.planned_quantity.map(|planned| planned.to_string()).unwrap_or_default(),
        time(row.created_at_us),
        time(row.started_at_us),
        row.ended_at_us.map(time).unwrap_or_default(),
        row.effective_end_at_us.map(time).unwrap_or_default(),
        seconds(row.ended_at_us).unwrap_or_default(),
        seconds(row.effective_end_at_us.or(row.ended_at_us)).unwrap_or_default(),
        row.status.clone(),
        row.closed_cause.clone().unwrap_or_default(),
        text(row.last_working_status.as_deref().unwrap_or_default()),
        row.total_good.to_string(),
        row.total_scrap.to_string(),
        text(row.last_note.as_deref().unwrap_or_default()),
    ]
}

/// Text from people: a spreadsheet must not take it for a formula. An apostrophe in front says so to all of them
/// (OWASP, CSV injection).
fn text(cell: &str) -> String {
    let begins = cell.trim_start().chars().next();
    let formula =
        begins.is_some_and(|first| matches!(first, '=' | '+' | '-' | '@' | '|' | '%' | '＝' | '＋' | '－' | '＠'));
    if formula || cell.starts_with(['\t', '\r', '\n']) { format!("'{cell}") } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fault 34: text that a spreadsheet takes for a formula.
    #[test]
    fn no_text_is_taken_for_a_formula() {
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "\r=1", "|calc", "＝1"] {
            assert_eq!(text(formula), format!("'{formula}"));
        }
        for plain in ["", "Dana", "24-1001", "a=b", "דנה", "\u{202e}abc"] {
            assert_eq!(text(plain), plain);
        }
    }

    #[test]
    fn a_file_that_cannot_hold_everything_says_so_in_its_last_row() {
        for (rows, room, more, left, shown, says) in [
            (2, 5, true, 3, 2, false),
            (2, 5, false, 0, 2, false),
            (2, 2, false, 0, 2, false),
            (2, 2, true, 0, 2, true),
            (3, 2, false, 0, 2, true),
            (3, 2, true, 0, 2, true),
        ] {
            let mut now = room;
            let row = HEAD.map(|_| "x".to_owned());
            let text = String::from_utf8(part(vec![row; rows].into_iter(), &mut now, more)).unwrap();
            let last = text.lines().last().unwrap().starts_with(MORE);
            let said = (now, text.lines().filter(|line| line.starts_with("x,")).count(), last);
            assert_eq!(said, (left, shown, says), "{rows} rows, room for {room}, more: {more}");
        }
    }

    #[test]
    fn what_separates_cells_is_quoted() {
        let mut cells = HEAD.map(|_| String::new());
        cells[0] = "a,\"b\"\r\nc".to_owned();
        let line = String::from_utf8(lines(std::iter::once(cells))).unwrap();
        assert_eq!(line, format!("\"a,\"\"b\"\"\r\nc\"{}\r\n", ",".repeat(HEAD.len() - 1)));
    }
}
