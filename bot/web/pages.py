"""The pages that customers and passers-by open, and the widget's script."""

from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse
from jinja2 import Environment, FileSystemLoader, select_autoescape

from bot.config import Config

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""The policy of our own pages: nothing inline, nothing from elsewhere."""
_STATIC = ("chat.css", "icon.svg")


def language_of(request: Request, config: Config) -> str:
    """The reader's language: `?lang=`, else the browser's first that we have, else the shop's."""
    wanted = [request.query_params.get("lang", "")]
    wanted += request.headers.get("accept-language", "").split(",")
    for tag in wanted:
        language = tag.strip()[:2].lower()
        if language in config.shop.languages:
            return language
    return config.shop.default_language


def pages(config: Config) -> APIRouter:
    """`/`, `/chat`, `/widget.js` and `/static/…`."""
    folder = config.content.templates / "web"
    environment = Environment(loader=FileSystemLoader(folder), autoescape=select_autoescape())
    router = APIRouter(include_in_schema=False)

    def page(name: str, request: Request) -> HTMLResponse:
        language = language_of(request, config)
        html = environment.get_template(name).render(
            shop_name=config.shop.values(language)["name"],
            language=language,
            is_local=request.url.hostname in ("127.0.0.1", "localhost", "::1"),
            public_url=config.web.public_url or str(request.base_url).rstrip("/"),
        )
        headers = {"Content-Security-Policy": CSP, "Vary": "Accept-Language"}
        return HTMLResponse(html, headers=headers)

    @router.get("/")
    def home(request: Request) -> HTMLResponse:
        return page("home.html", request)

    @router.get("/chat")
    def chat(request: Request) -> HTMLResponse:
        return page("chat.html", request)

    @router.get("/widget.js")
    def widget() -> Response:
        script = (folder / "widget.js").read_bytes()
        headers = {"Cache-Control": "public, max-age=300", "Access-Control-Allow-Origin": "*"}
        return Response(script, media_type="text/javascript; charset=utf-8", headers=headers)

    @router.get("/static/{name}")
    def static(name: str) -> Response:
        if name not in _STATIC:
            return PlainTextResponse("not found", status_code=404)
        return _file(folder / name)

    return router


def _file(path: Path) -> Response:
    kind = {".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}[path.suffix]
    headers = {"Cache-Control": "public, max-age=300"}
    return Response(path.read_bytes(), media_type=kind, headers=headers)
