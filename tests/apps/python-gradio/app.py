import gradio as gr

demo = gr.Interface(lambda name: name, "text", "text")
demo.launch()
