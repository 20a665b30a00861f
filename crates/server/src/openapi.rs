//! The OpenAPI document: what the endpoints say of themselves, and the envelope they share.

use crate::api::media::watch::LayerChoice;
use crate::error::ErrorEnvelope;
use utoipa::openapi::{
    ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, PathItem, Ref, RefOr,
    ResponseBuilder,
};
use utoipa::{PartialSchema as _, ToSchema as _};

/// The document of this version; the same bytes for the same source.
#[must_use]
pub fn openapi() -> OpenApi {
    let (_routes, mut document) = crate::api::router().split_for_parts();
    let info = InfoBuilder::new()
        .title("Dutyroom site")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Times are milliseconds since the Unix epoch; ids are lower-case hexadecimal.",
        ))
        .license(Some(LicenseBuilder::new().name("Apache-2.0").build()))
        .build();
    document = OpenApiBuilder::from(document).info(info).build();
    document.servers = None;
    let components = document.components.get_or_insert_default();
    let mut shapes = Vec::new();
    ErrorEnvelope::schemas(&mut shapes);
    shapes.push((ErrorEnvelope::name().into_owned(), ErrorEnvelope::schema()));
    // Schemas that only a query parameter names are not collected from the routes.
    shapes.push((LayerChoice::name().into_owned(), LayerChoice::schema()));
    components.schemas.extend(shapes);
    for item in document.paths.paths.values_mut() {
        describe_errors(item);
    }
    document
}

fn describe_errors(item: &mut PathItem) {
    let operations = [
        &mut item.get,
        &mut item.post,
        &mut item.delete,
        &mut item.put,
        &mut item.patch,
    ];
    for operation in operations.into_iter().flatten() {
        let schema = Ref::from_schema_name(ErrorEnvelope::name());
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let error = ResponseBuilder::new()
            .description("Refused or failed; the code says why")
            .content("application/json", content)
            .build();
        operation
            .responses
            .responses
            .insert("default".to_owned(), RefOr::T(error));
    }
}
