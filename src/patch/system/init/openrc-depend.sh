depend() {
@lines@
}
