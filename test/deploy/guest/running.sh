# Answers that the application does not run. The first call also acts as an updater.
if [ -e /srv/next ]; then
	version=$(cat /srv/next)
	rm /srv/next
	cp "/srv/$version/Info.plist" /srv/project/App/Contents/Info.plist
	cp "/srv/$version/initrd.img" /srv/project/App/initrd.new
	mv /srv/project/App/initrd.new /srv/project/App/Contents/Resources/moby/initrd.img
fi
exit 1
