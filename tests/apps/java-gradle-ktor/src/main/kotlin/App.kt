fun Application.module() {
}
