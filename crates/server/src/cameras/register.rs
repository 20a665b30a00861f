//! Writes this site's configured cameras into its journal, and takes removed ones off.

use crate::app::{App, CameraSettings};
use records::field::{Value, Values};
use records::id::{AccountId, ActionId, RecordId, TerminalId};
use records::read::Record;
use records::write::Edit;
use std::collections::BTreeMap;
use store::{Action, CommitError, Filter, RecordEdit, StoreError};

/// Brings the camera records of this site in line with its configuration.
///
/// # Errors
/// What the store says.
pub async fn register(app: &App) -> Result<(), StoreError> {
    let known = own_cameras(app).await?;
    let wanted = &app.settings().cameras;
    let mut edits: Vec<_> = wanted
        .iter()
        .filter_map(|camera| edit(camera, known.get(&RecordId(camera.id))))
        .collect();
    let removed = known.iter().filter(|(id, record)| {
        !is_retired(record) && !wanted.iter().any(|camera| camera.id == id.0)
    });
    edits.extend(removed.map(|(id, _)| retired(*id, true)));
    if edits.is_empty() {
        return Ok(());
    }
    let action = Action {
        action: ActionId(app.random().bytes()),
        account: SITE_ITSELF,
        terminal: TerminalId::default(),
        wall_ms: app.clock().now_ms(),
        uptime_ms: app.clock().uptime_ms(),
        hub_offset_ms: app.hub_offset_ms(),
        reads: edits.iter().map(|edit| edit.record).collect(),
        seed: app.random().bytes(),
    };
    let committed = app
        .store()
        .commit(action, move |_| Ok::<_, std::convert::Infallible>(edits))
        .await;
    match committed {
        Ok(_) => Ok(()),
        Err(CommitError::Store(error)) => Err(error),
        Err(CommitError::Decided(never)) => match never {},
        Err(CommitError::Invalid(_)) => Err(StoreError::Refused("camera name or place")),
    }
}

/// The account of actions that no person took.
pub const SITE_ITSELF: AccountId = AccountId([0; 16]);

/// Every camera record of this site by id.
async fn own_cameras(app: &App) -> Result<BTreeMap<RecordId, Record>, StoreError> {
    let mut cameras = BTreeMap::new();
    for row in all(app).await? {
        if row.site == app.site().id
            && let Some(stored) = app.store().record(row.id).await?
        {
            cameras.insert(row.id, stored.record);
        }
    }
    Ok(cameras)
}

/// The rows of all camera records held here, retired ones too.
///
/// # Errors
/// What the store says.
pub async fn all(app: &App) -> Result<Vec<store::RecordRow>, StoreError> {
    let mut filter = Filter {
        kinds: vec!["camera".to_owned()],
        limit: 200,
        ..Filter::default()
    };
    let mut rows = Vec::new();
    loop {
        let page = app.store().list(&filter).await?;
        rows.extend(page.rows);
        match page.next {
            Some(next) => filter.after = Some(next),
            None => return Ok(rows),
        }
    }
}

/// Whether the camera was taken out of the configuration.
#[must_use]
pub fn is_retired(record: &Record) -> bool {
    record.get("retired") == Some(&Value::Bool(true))
}

fn edit(camera: &CameraSettings, known: Option<&Record>) -> Option<RecordEdit> {
    let wanted = Values::from([
        ("name".to_owned(), Value::Text(camera.name.clone())),
        ("place".to_owned(), Value::Text(camera.place.clone())),
    ]);
    let mut edits: Vec<_> = wanted
        .into_iter()
        .filter(|(name, value)| known.is_none_or(|record| record.get(name) != Some(value)))
        .map(|(name, value)| Edit::Set(name, value))
        .collect();
    if known.is_some_and(is_retired) {
        edits.push(Edit::Set("retired".to_owned(), Value::Bool(false)));
    }
    (!edits.is_empty()).then_some(RecordEdit {
        record: RecordId(camera.id),
        kind: "camera",
        edits,
    })
}

fn retired(record: RecordId, retired: bool) -> RecordEdit {
    RecordEdit {
        record,
        kind: "camera",
        edits: vec![Edit::Set("retired".to_owned(), Value::Bool(retired))],
    }
}
