"""`assetctl rm`: forget assets."""

from __future__ import annotations

import click

from assetctl.cli.complete import complete_asset
from assetctl.cli.session import Session
from assetctl.cli.text.speech import count, size
from assetctl.cli.verbs import Guide, Verb

_GUIDE = Guide(
    (
        ("assetctl rm features", "forget all that was made of `features`; the next run builds it anew"),
        ("assetctl rm old_model --dry-run", "what would go, of an asset that is gone from the code"),
    ),
    (0, 2, 5, 6, 70),
)


@click.command("rm", cls=Verb, guide=_GUIDE)
@click.argument("assets", nargs=-1, required=True, metavar="ASSET...", shell_complete=complete_asset)
@click.option("--dry-run", is_flag=True, help="Say what would be forgotten, and record nothing.")
@click.pass_obj
def command(session: Session, assets: tuple[str, ...], dry_run: bool) -> int:
    """Forget each ASSET: nothing recorded about it answers any more, and its bytes go with the next gc.

    Only a record is added: the history still lists every version, and assets that read
    it stay as they are. An asset that is gone from the code can be forgotten too.
    """
    done = session.project.forget(*assets, dry_run=dry_run)
    if session.as_json:
        from assetctl.cli.text.json_output import write_json
        from assetctl.engine.documents.curation import forgotten_json

        write_json(forgotten_json(done))
        return 0
    for asset in done.assets:
        did = "forgot" if done.recorded else "would forget"
        went = f"{count(asset.n_versions, 'version')}, {size(asset.size_bytes)} that the next gc may delete"
        session.say(f"{did} {asset.asset}: {went}")
        if asset.runs_again is not None:
            session.say(f"  `{asset.runs_again}` makes it together with others, and will run again for it")
    declared = [asset.asset for asset in done.assets if asset.is_declared]
    if declared and done.recorded:
        session.say(f"next: assetctl materialize {' '.join(declared)}")
    return 0
