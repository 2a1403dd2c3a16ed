def render_fit(fit, content, data):
    return ""
