/* lua5.4-deb-multiarch.h: Debian's lua.h names directories with it */
