//! Signing in and out.

pub mod create;
pub mod delete;
pub mod get;

use crate::api::shapes::SiteRole;
use crate::app::App;
use crate::auth::person::Person;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The resource's endpoints.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(
        create::create_session,
        get::get_session,
        delete::delete_session
    ))
}

/// Who is signed in, and where.
#[derive(Debug, Serialize, ToSchema)]
pub struct Session {
    /// The person.
    pub user: User,
    /// The site that answers.
    pub site: SessionSite,
    /// When the session ends unless it is used again, ms since the epoch.
    pub expires_at: i64,
}

/// The signed-in person.
#[derive(Debug, Serialize, ToSchema)]
pub struct User {
    /// Account, 32 hex digits.
    pub id: String,
    /// What they type to sign in.
    pub login: String,
    /// Name.
    pub name: String,
    /// Role at this site.
    pub role: UserRole,
}

/// A role at a site.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UserRole {
    /// 值班员.
    Officer,
    /// 带班领导.
    Leader,
    /// 总值班室.
    Headquarters,
    /// 系统管理员.
    Administrator,
    /// Anyone else.
    Staff,
}

impl From<rules::Role> for UserRole {
    fn from(role: rules::Role) -> Self {
        match role {
            rules::Role::Officer => Self::Officer,
            rules::Role::Leader => Self::Leader,
            rules::Role::Headquarters => Self::Headquarters,
            rules::Role::Administrator => Self::Administrator,
            rules::Role::Staff => Self::Staff,
        }
    }
}

/// The site that answers.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionSite {
    /// Site, 16 hex digits.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Letters used in record numbers.
    pub code: String,
    /// Hub or campus.
    pub role: SiteRole,
}

impl Session {
    fn of(app: &App, person: &Person) -> Self {
        let site = app.site();
        Self {
            user: User {
                id: person.id.to_string(),
                login: person.login.clone(),
                name: person.name.clone(),
                role: person.role.into(),
            },
            site: SessionSite {
                id: site.id.to_string(),
                name: site.name.clone(),
                code: site.code.clone(),
                role: site.role,
            },
            expires_at: person.session.expires_at,
        }
    }
}
