# What `make install` puts where: the program, the libraries, the headers, and the two ways to find
# them: pkg-config (aeon) and CMake (find_package(Aeon) gives Aeon::aeon).
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# The shared library alone is exported: it needs nothing of its users. Who links the static one asks
# pkg-config --static, which names the libraries below it.
set_target_properties(aeon_shared PROPERTIES EXPORT_NAME aeon)
install(TARGETS aeon_shared EXPORT AeonTargets)
install(EXPORT AeonTargets NAMESPACE Aeon:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/Aeon)
install(TARGETS aeon_static)
if(TARGET aeon)
    install(TARGETS aeon)
endif()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/aeon DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h")

set(generated ${PROJECT_BINARY_DIR}/install)
configure_file(${CMAKE_CURRENT_LIST_DIR}/AeonConfig.cmake.in ${generated}/AeonConfig.cmake @ONLY)
write_basic_package_version_file(${generated}/AeonConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${generated}/AeonConfig.cmake ${generated}/AeonConfigVersion.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/Aeon)

# Paths relative to the .pc file, so that an installed tree can be moved.
file(RELATIVE_PATH AEON_PC_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(${CMAKE_CURRENT_LIST_DIR}/aeon.pc.in ${generated}/aeon.pc @ONLY)
install(FILES ${generated}/aeon.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
