"""A page to play with an exported generator, in a browser of this machine.

`model` draws, `views` arranges what it drew, `latest` keeps up with a slider:
none of them needs a web library. `page`, its `board` and the `site` are built
with NiceGUI.
"""
