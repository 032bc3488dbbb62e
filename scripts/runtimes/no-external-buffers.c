/*
 * Ends a process whose native module hands memory of its own to JavaScript, which Electron forbids.
 * Loaded before all other libraries; the module looks the functions of Node-API up by name.
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef void *(*find_function)(void *handle, const char *name);

/* The versions under which the C library has dlsym: 2.34 and newer, x64, arm64. */
static const char *const versions[] = {"GLIBC_2.34", "GLIBC_2.2.5", "GLIBC_2.17"};

static find_function real_dlsym(void)
{
	static find_function found;
	for (size_t i = 0; found == NULL && i < sizeof versions / sizeof *versions; i++) {
		void *address = dlvsym(RTLD_NEXT, "dlsym", versions[i]);
		memcpy(&found, &address, sizeof found);
	}
	if (found == NULL)
		abort();
	return found;
}

static int refuse(void)
{
	static const char message[] = "lodestore: a native module hands out external memory\n";
	ssize_t written = write(STDERR_FILENO, message, sizeof message - 1);
	(void)written;
	abort();
}

void *dlsym(void *handle, const char *name)
{
	static const char *const forbidden[] = {
		"napi_create_external_arraybuffer",
		"napi_create_external_buffer",
		"node_api_create_external_sharedarraybuffer",
	};
	for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++) {
		if (strcmp(name, forbidden[i]) == 0) {
			int (*replacement)(void) = refuse;
			void *address;
			memcpy(&address, &replacement, sizeof address);
			return address;
		}
	}
	return real_dlsym()(handle, name);
}
