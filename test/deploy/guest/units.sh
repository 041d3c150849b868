cd /srv/project || exit
image=App/Contents/Resources/moby/initrd.img

has_ended() { # 100 seconds at most: the service began and is done
	for _ in $(seq 200); do
		state=$(systemctl show -p ActiveState --value "$unit.service")
		[ "$state" != activating ] && [ "$(digest $image)" != "$1" ] && return
		sleep 0.5
	done
	echo "the service did not end: $state"
	return 1
}

is_in() { # waits 100 seconds at most until the service is in a sub-state
	for _ in $(seq 200); do
		[ "$(systemctl show -p SubState --value "$unit.service")" = "$1" ] && return
		sleep 0.5
	done
	return 1
}

part apply moby apply -q --no-verify
part install moby watch --install --no-verify --settle 2
unit=$(basename /etc/systemd/system/moby-patch-*.path .path)
part enabled systemctl is-enabled "$unit.path"
part active systemctl is-active "$unit.path"

# An updater that replaces the whole folder; the next one comes while the service runs.
echo 1.13.1 >/srv/next
cp -r App App.new
cp /srv/1.13.0/Info.plist App.new/Contents/
cp /srv/1.13.0/initrd.img App.new/Contents/Resources/moby/
mv App App.old && mv App.new App
part waited has_ended "$(digest /srv/1.13.0/initrd.img)"
part service systemctl show -p Result -p ExecMainStatus -p ActiveState "$unit.service"
part journal journalctl -o cat --no-pager -u "$unit.service" -u "$unit.path"
part status moby status
zcat $image | cpio -i --quiet --to-stdout etc/motd etc/os >/run/content
echo >>/run/content
part content cat /run/content

# A failed service, which systemd would start again in a minute.
systemctl start --no-block "$unit.service"
is_in start
systemctl kill --signal=KILL "$unit.service"
is_in auto-restart
part restarting systemctl show -p SubState --value "$unit.service"
part uninstall moby watch --uninstall
part files find /etc/systemd /run/systemd -name 'moby-patch*'
part units systemctl list-units --all --no-legend --plain 'moby-patch*'
