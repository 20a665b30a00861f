//! Finds what a source id stands for: a camera of some site, or a person's stay in a room.

use crate::app::App;
use crate::error::ApiError;
use media::SourceRef;
use records::id::{AccountId, RecordId, SiteId};
use rules::consultation::{self, Participation};
use store::{Filter, StoredRecord};

/// A stay, the site it was joined from, and the room it is in.
pub struct Stay {
    /// The stay.
    pub participation: Participation,
    /// From which site.
    pub site: SiteId,
    /// The consultation's record.
    pub room: RecordId,
    people: Vec<AccountId>,
}

impl Stay {
    /// Whether the person is in the same room now.
    #[must_use]
    pub fn shares_room_with(&self, person: AccountId) -> bool {
        self.people.contains(&person)
    }
}

/// Where the source is pulled from, if `person` may watch it: any camera, or somebody in a room
/// that the person is in.
///
/// # Errors
/// `not_found`, or what the store says.
pub async fn find(app: &App, person: AccountId, source: &str) -> Result<SourceRef, ApiError> {
    let id: RecordId = source.parse().map_err(|_| ApiError::not_found())?;
    let camera = app.store().record(id).await?;
    let site = match camera.filter(|stored| stored.row.kind == "camera") {
        Some(camera) => camera.row.site,
        None => stay(app, id)
            .await?
            .filter(|stay| stay.shares_room_with(person))
            .map(|stay| stay.site)
            .ok_or_else(ApiError::not_found)?,
    };
    Ok(if site == app.site().id {
        SourceRef::Local(id.0)
    } else {
        SourceRef::Remote {
            site: site.0,
            source: id.0,
        }
    })
}

/// The stay called `id` in an open consultation, unless it has ended.
///
/// # Errors
/// What the store says.
pub async fn stay(app: &App, id: RecordId) -> Result<Option<Stay>, ApiError> {
    for room in open_rooms(app).await? {
        let stays = consultation::participations(&room.record);
        let here = stays.iter().filter(|stay| stay.left_at.is_none());
        let people = here.map(|stay| stay.person).collect();
        let found = stays
            .into_iter()
            .find(|stay| stay.id == id && stay.left_at.is_none());
        let Some(participation) = found else { continue };
        let origin = room
            .entries
            .iter()
            .find(|origin| origin.entry == participation.joined_entry);
        return Ok(origin.map(|origin| Stay {
            participation,
            site: origin.site,
            room: room.row.id,
            people,
        }));
    }
    Ok(None)
}

/// The consultations that are open now.
///
/// # Errors
/// What the store says.
pub async fn open_rooms(app: &App) -> Result<Vec<StoredRecord>, store::StoreError> {
    let filter = Filter {
        kinds: vec!["consultation".to_owned()],
        open: Some(true),
        limit: 200,
        ..Filter::default()
    };
    let mut rooms = Vec::new();
    for row in app.store().list(&filter).await?.rows {
        rooms.extend(app.store().record(row.id).await?);
    }
    Ok(rooms)
}
