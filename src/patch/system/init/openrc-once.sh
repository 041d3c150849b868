start() {
	ebegin "Running $RC_SVCNAME"
@run@
	eend $?
}
