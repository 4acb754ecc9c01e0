"""A blog: people register, log in, and write posts that everyone reads."""

from pathlib import Path

from flask import Config, Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from . import auth, db, posts


def create_app() -> Flask:
    """Create the application from the environment variables that start with BLOG_."""
    app = Flask(__name__)
    app.config.from_mapping(
        DATABASE=str(Path(app.instance_path, "blog.sqlite")), SESSION_COOKIE_SAMESITE="Lax"
    )
    app.config.from_prefixed_env("BLOG")
    app.config["SECRET_KEY"] = read_secret_key(app.config)
    app.wsgi_app = ProxyFix(app.wsgi_app, x_prefix=1)  # type: ignore[method-assign]
    db.init_app(app)
    app.register_blueprint(auth.bp)
    app.register_blueprint(posts.bp)
    return app


def read_secret_key(config: Config) -> str:
    """Return the key that signs the sessions; a RuntimeError says what to set."""
    file = config.get("SECRET_KEY_FILE")
    key = Path(file).read_text(encoding="utf-8").strip() if file else config["SECRET_KEY"]
    if not key:
        raise RuntimeError(
            "There is no secret key for the sessions. Set BLOG_SECRET_KEY_FILE to the path of a"
            " file that holds it, or set BLOG_SECRET_KEY."
        )
    # Flask reads the variables as JSON, so a key of digits is a number here.
    return str(key)
