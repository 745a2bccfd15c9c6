/*
 * version.h: the library's version, that of META.json; its first two numbers are those of the
 * install script (default_version in lem.control).
 */
#ifndef LEM_PG_VERSION_H
#define LEM_PG_VERSION_H

#define LEM_VERSION "1.1.0"

#endif
