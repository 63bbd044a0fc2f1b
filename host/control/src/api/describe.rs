//! The routes by role, and the document that describes them.

use super::{App, Problem, commands, desk, health, limits, policies, stream};
use crate::access::Role;
use utoipa::OpenApi;
use utoipa::openapi::path::{HttpMethod, Operation, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ContentBuilder, PathItem, Ref, Required, ResponseBuilder};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Tercel control",
        version = "1",
        description = "Look at a trading host and operate it. Prices and money are integers in \
            units of 1/10,000 dollar (`_e4`); times are nanoseconds since the Unix epoch, UTC \
            (`_ns`). Every failure is a problem (RFC 9457). Every change needs a reason and the \
            header Idempotency-Key, and is written to the journal before and after.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    components(schemas(Problem)),
    servers((url = "/", description = "The host itself"))
)]
struct Frame;

const BEARER: &str = "token";

/// Paths for which nobody needs a token.
pub(crate) fn open() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(health::openapi))
}

/// Paths by the role that they need.
pub(crate) fn groups() -> [(Role, OpenApiRouter<App>); 3] {
    let viewer = OpenApiRouter::new()
        .routes(routes!(health::metrics))
        .routes(routes!(desk::status))
        .routes(routes!(desk::state))
        .routes(routes!(desk::account))
        .routes(routes!(desk::instruments))
        .routes(routes!(desk::instrument))
        .routes(routes!(desk::book))
        .routes(routes!(desk::positions))
        .routes(routes!(desk::orders))
        .routes(routes!(desk::order))
        .routes(routes!(desk::fills))
        .routes(routes!(desk::latency))
        .routes(routes!(desk::feed))
        .routes(routes!(limits::limits))
        .routes(routes!(policies::list))
        .routes(routes!(policies::log_level))
        .routes(routes!(stream::stream));
    let operator = OpenApiRouter::new()
        .routes(routes!(desk::audit))
        .routes(routes!(commands::kill))
        .routes(routes!(commands::cancel_all))
        .routes(routes!(commands::pause))
        .routes(routes!(commands::resume))
        .routes(routes!(policies::load))
        .routes(routes!(policies::remove))
        .routes(routes!(policies::promote))
        .routes(routes!(policies::roll_back))
        .routes(routes!(policies::set_log_level));
    let risk = OpenApiRouter::new()
        .routes(routes!(commands::reset))
        .routes(routes!(limits::set_account))
        .routes(routes!(limits::set_instrument));
    [(Role::Viewer, viewer), (Role::Operator, operator), (Role::Risk, risk)]
}

/// The OpenAPI 3.1 document of every path, as JSON.
pub fn document() -> String {
    let mut whole = Frame::openapi();
    let mut parts = vec![(None, open().split_for_parts().1)];
    parts.extend(groups().map(|(role, group)| (Some(role), group.split_for_parts().1)));
    for (role, mut part) in parts {
        for item in part.paths.paths.values_mut() {
            for (method, operation) in operations(item) {
                complete(&method, operation, role);
            }
        }
        whole.merge(part);
    }
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    whole.components.get_or_insert_default().add_security_scheme(BEARER, bearer);
    let mut text = whole.to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (HttpMethod, &mut Operation)> {
    [
        (HttpMethod::Get, &mut item.get),
        (HttpMethod::Put, &mut item.put),
        (HttpMethod::Post, &mut item.post),
        (HttpMethod::Delete, &mut item.delete),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// What is the same for every operation is said here.
fn complete(method: &HttpMethod, operation: &mut Operation, role: Option<Role>) {
    if let Some(role) = role {
        let needs = format!("Needs the role `{}`.", role.name());
        let about = operation.description.take().map(|about| format!("{about}\n\n{needs}"));
        operation.description = Some(about.unwrap_or(needs));
        let bearer = SecurityRequirement::new(BEARER, Vec::<String>::new());
        // Also without: from this machine, where the configuration allows it.
        operation.security = Some(vec![bearer, SecurityRequirement::default()]);
    }
    if *method != HttpMethod::Get {
        let text = ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^[!-~]{1,128}$"))
            .description(Some("1 to 128 printable ASCII characters without spaces"));
        let key = ParameterBuilder::new()
            .name("Idempotency-Key")
            .parameter_in(ParameterIn::Header)
            .required(Required::True)
            .description(Some(
                "The same key with the same request gives the first answer again, for a day.",
            ))
            .schema(Some(text));
        operation.parameters.get_or_insert_default().push(key.build());
    }
    let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let failed = ResponseBuilder::new()
        .description("What went wrong")
        .content(super::PROBLEM_JSON, problem)
        .build();
    operation.responses.responses.insert("default".into(), failed.into());
}
