import panel as pn

pn.panel("ok").servable()
