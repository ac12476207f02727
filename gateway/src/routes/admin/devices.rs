//! `/api/admin/devices`: browsers from which worker codes are accepted, where only enrolled ones are.
//!
//! An admin enrols the browser that the request comes from: it gets a cookie that scripts cannot read. Removing the
//! record makes the cookie worthless, and every login made on the device with it.

use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use bus_schemas::{
    DeviceId, Extra,
    directory::{Change, Key, Record},
    limits::NAME_MAX_CHARS,
    records::Device,
};
use http::header;
use persistence::Role;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::record::change;
use crate::{
    app::App,
    auth::cookies,
    clock::wall_now,
    error::{ApiError, Code},
    extract::{Fields, MaybeFields, Signed, TextKind},
    records::Time,
    routes::{self, Answer},
};

/// Devices of one factory: ten times what the largest hall has.
const DEVICES_MAX: usize = 10_000;

/// What is asked.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape is read field by field; this documents it")]
pub struct EnrolRequest {
    /// What people call it.
    name: String,
}

/// An enrolled device.
#[derive(Serialize, ToSchema)]
pub struct DeviceRecord {
    id: Uuid,
    name: Box<str>,
    #[schema(value_type = String, format = DateTime)]
    enrolled_at: Time,
    /// The account that enrolled it.
    enrolled_by: Box<str>,
}

/// The answer.
#[derive(Serialize, ToSchema)]
pub struct DevicesAnswer {
    devices: Vec<DeviceRecord>,
    /// Whether worker codes are accepted from enrolled devices only.
    required: bool,
    /// Which of them this request comes from.
    this: Option<Uuid>,
}

/// The answer to an enrolment.
#[derive(Serialize, ToSchema)]
pub struct DeviceAnswer {
    device: DeviceRecord,
}

impl DeviceRecord {
    fn of(device: &Device) -> Self {
        Self {
            id: device.id.0,
            name: device.name.clone(),
            enrolled_at: Time(device.enrolled_at_us),
            enrolled_by: device.enrolled_by.clone(),
        }
    }
}

/// Every enrolled device, oldest first.
#[utoipa::path(get, path = "/api/admin/devices", tag = "admin", responses((status = 200, body = DevicesAnswer)))]
pub async fn list(State(app): State<App>, Signed(caller): Signed, headers: http::HeaderMap) -> Answer<DevicesAnswer> {
    caller.logins.whole_factory(Role::Admin)?;
    let directory = app.directory();
    let mut devices: Vec<_> = directory.devices().map(|stored| &stored.record).collect();
    devices.sort_by_key(|device| (device.enrolled_at_us, device.id));
    Ok(Json(DevicesAnswer {
        devices: devices.into_iter().map(|device| DeviceRecord::of(device)).collect(),
        required: app.settings.require_enrolled_device,
        this: app.auth.device(&headers).map(|device| device.0),
    }))
}

/// Enrols the browser that the request comes from: it gets a cookie.
#[utoipa::path(post, path = "/api/admin/devices", tag = "admin", request_body = EnrolRequest,
    responses((status = 200, body = DeviceAnswer)))]
pub async fn enrol(State(app): State<App>, Signed(caller): Signed, fields: Fields) -> Result<Response, ApiError> {
    let account = caller.logins.whole_factory(Role::Admin)?;
    let name = fields.text("name", NAME_MAX_CHARS, TextKind::Line)?;
    let device = Device {
        id: DeviceId(Uuid::new_v4()),
        name: name.ok_or_else(|| ApiError::payload("name is needed"))?.into(),
        enrolled_at_us: wall_now(),
        enrolled_by: account.name.clone(),
        extra: Extra::new(),
    };
    change(&app, &account, |directory| {
        if directory.devices().count() >= DEVICES_MAX {
            return Err(ApiError::new(Code::InvalidDirectory, format!("at most {DEVICES_MAX} devices are enrolled")));
        }
        Ok(Some(Change::Put(Record::Device(device.clone()))))
    })
    .await?;
    let mut response = Json(DeviceAnswer { device: DeviceRecord::of(&device) }).into_response();
    if let Some(cookie) = cookies::set_device(&app.auth.tokens().of_device(device.id), caller.client.https) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// Ends an enrolment, and every login made on the device.
#[utoipa::path(delete, path = "/api/admin/devices/{id}", tag = "admin", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, body = routes::Ok), (status = 404, description = "NOT_FOUND")))]
pub async fn remove(
    State(app): State<App>,
    Signed(caller): Signed,
    Path(id): Path<String>,
    _: MaybeFields,
) -> Answer<routes::Ok> {
    let account = caller.logins.whole_factory(Role::Admin)?;
    let id: DeviceId = id.parse().map_err(|_| Code::NotFound)?;
    change(&app, &account, |directory| {
        directory.device(id).ok_or(Code::NotFound)?;
        Ok(Some(Change::Remove(Key::Device(id))))
    })
    .await?;
    Ok(Json(routes::Ok::YES))
}
