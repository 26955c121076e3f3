//! Answers for verbs that read: the API of a server at `--url`, or the same API in this process,
//! over the database.

mod answer;
mod blocks;
mod problem;
mod remote;
mod request;

use std::path::PathBuf;

use anyhow::{Context, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, combinators::UnsyncBoxBody};
use hyper::{Method, Response, header};

use self::{
    problem::refused,
    remote::{Address, Remote},
};
use super::{database, filters::wrong_usage, input};
use crate::{app::local::Local, config::Sources, http::Cause};

pub(super) use self::{
    answer::{Answer, Fields, Row},
    blocks::{Block, Blocks},
    problem::Refusal,
    request::Request,
};

/// Largest page of a list.
pub(super) const PAGE: u32 = 1000;

/// Body of an answer, as it arrives.
pub(super) type Body = UnsyncBoxBody<Bytes, anyhow::Error>;

/// Origin of the answers.
#[derive(clap::Args, Debug)]
pub(super) struct Origin {
    /// Ask the admin listener of the server at this address, instead of the database. If unset:
    /// `HOOKSHELF_URL`.
    // Parsed later: clap would print a token in the URL.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// File with the token for --url. If unset: the token in `HOOKSHELF_TOKEN`.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// The API of a server or of this process.
#[derive(Debug)]
pub(super) enum Api {
    /// In this process.
    Local(Local),
    /// At a URL.
    Remote(Remote),
}

impl Origin {
    /// Opens the API. Options go before the environment.
    pub(super) async fn open(&self, sources: &Sources) -> anyhow::Result<Api> {
        let named = sources.file.is_none().then(|| sources.var("HOOKSHELF_URL"));
        let Some(url) = self.url.as_deref().or(named.flatten()) else {
            let is_alone = self.token_file.is_some();
            ensure!(!is_alone, "--token-file is for a server: add --url");
            return Ok(Api::Local(database::api(sources).await?));
        };
        ensure!(
            sources.file.is_none(),
            "--config names a database and --url a server: leave out one of them"
        );
        let address =
            Address::parse(url).map_err(|problem| wrong_usage(format!("--url: {problem}")))?;
        let token = match &self.token_file {
            Some(file) => Some(input::read_secret(file)?),
            None => sources.var("HOOKSHELF_TOKEN").map(Into::into),
        };
        Ok(Api::Remote(Remote::new(address, token.as_ref())?))
    }
}

impl Api {
    /// Asks for an object that exists.
    pub(super) async fn get(&self, request: &Request) -> anyhow::Result<Answer> {
        let found = self.find(request).await?;
        found.with_context(|| format!("{} does not know {request}", self.name()))
    }

    /// Asks for an object that may not exist.
    pub(super) async fn find(&self, request: &Request) -> anyhow::Result<Option<Answer>> {
        self.exchange(Method::GET, request, Bytes::new()).await
    }

    /// Sends a JSON object, and reads an object that may not exist.
    pub(super) async fn exchange(
        &self,
        method: Method,
        request: &Request,
        body: Bytes,
    ) -> anyhow::Result<Option<Answer>> {
        let sent = self.send(method, request, body, "application/json").await?;
        let Some(answer) = sent else {
            return Ok(None);
        };
        let body = answer.into_body().collect().await?.to_bytes();
        let answer = Answer::read(&body).with_context(|| self.stranger())?;
        Ok(Some(answer))
    }

    /// Asks for a body of this media type; `None` if there is no such object.
    pub(super) async fn open(
        &self,
        request: &Request,
        media: &str,
    ) -> anyhow::Result<Option<Body>> {
        let sent = self.send(Method::GET, request, Bytes::new(), media).await?;
        Ok(sent.map(Response::into_body))
    }

    async fn send(
        &self,
        method: Method,
        request: &Request,
        body: Bytes,
        media: &str,
    ) -> anyhow::Result<Option<Response<Body>>> {
        let request = hyper::Request::builder()
            .method(method)
            .uri(request.to_string())
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)?;
        let answer = match self {
            Self::Remote(remote) => remote.send(request).await?,
            Self::Local(local) => local
                .api
                .answer(request)
                .await
                .map(|body| body.map_err(anyhow::Error::new).boxed_unsync()),
        };
        let is = |media: &str| {
            let found = answer.headers().get(header::CONTENT_TYPE);
            found.is_some_and(|found| found.as_bytes().starts_with(media.as_bytes()))
        };
        if answer.status().is_success() && is(media) {
            return Ok(Some(answer));
        }
        if !is("application/problem+json") {
            return Err(self.stranger());
        }
        refused(answer, self.token()).await
    }

    /// Reads at most `limit` rows of the list `name`, page by page, and the last answer.
    pub(super) async fn rows(
        &self,
        request: Request,
        name: &str,
        limit: u32,
    ) -> anyhow::Result<(Vec<Row>, Answer)> {
        let limit = usize::try_from(limit)?;
        let (mut request, mut rows) = (request, Vec::new());
        loop {
            let size = (limit - rows.len()).min(PAGE as usize);
            let answer = self.get(&request.with("limit", size)).await?;
            let page = answer.rows(name)?;
            let is_full = page.len() == size;
            rows.extend(page);
            match answer.text("next") {
                Some(next) if is_full && rows.len() < limit => request = self.at(&next),
                _ => return Ok((rows, answer)),
            }
        }
    }

    /// The request of a URL in an answer. A server behind a proxy may know its base path or not.
    pub(super) fn at(&self, url: &str) -> Request {
        match self {
            Self::Local(_) => Request::at(url),
            Self::Remote(remote) => Request::at(remote.own_path(url)),
        }
    }

    /// True if this process answers.
    pub(super) fn is_local(&self) -> bool {
        matches!(self, Self::Local(_))
    }

    /// True if a token is sent; `None` in this process.
    fn token(&self) -> Option<bool> {
        match self {
            Self::Local(_) => None,
            Self::Remote(remote) => Some(remote.has_token()),
        }
    }

    /// The place that answers, for messages.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Local(_) => "this program".to_owned(),
            Self::Remote(remote) => remote.to_string(),
        }
    }

    /// Error for an answer that is not Hookshelf's.
    fn stranger(&self) -> anyhow::Error {
        anyhow::anyhow!(
            "{} does not answer as a Hookshelf of this version: --url takes the address of its \
             admin listener, such as http://127.0.0.1:9090",
            self.name()
        )
    }
}
