# A layer is one folder of src/: an object library that sees its own folder and the layers it names.
#
#   aeon_layer(format DEPENDS base tensor text LIBS PkgConfig::JANSSON SOURCES gguf.c ...)
#   aeon_link_layers(target format)     # format and everything below it
#   aeon_test(unit/test_gguf.c format)  # a cmocka program over a layer

function(aeon_compile_options target)
    target_compile_options(${target} PRIVATE
        -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes
        -Wmissing-prototypes -Wvla -fno-math-errno -ffp-contract=off
        $<$<BOOL:${AEON_WERROR}>:-Werror>)
    target_compile_definitions(${target} PRIVATE _POSIX_C_SOURCE=200809L _DEFAULT_SOURCE)
    target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/src
                                                 ${PROJECT_SOURCE_DIR}/include)
    # Cheap armour against memory errors, where nothing stronger watches.
    if(CMAKE_BUILD_TYPE STREQUAL Release)
        target_compile_options(${target} PRIVATE -fstack-protector-strong -U_FORTIFY_SOURCE
                               $<$<COMPILE_LANGUAGE:C>:-D_FORTIFY_SOURCE=2>)
    endif()
    if(AEON_SANITIZE)
        target_compile_options(${target} PRIVATE -fsanitize=${AEON_SANITIZE}
                               -fno-sanitize-recover=all -fno-omit-frame-pointer -g)
        target_link_options(${target} PRIVATE -fsanitize=${AEON_SANITIZE})
    endif()
endfunction()

function(aeon_layer name)
    cmake_parse_arguments(L "" "" "DEPENDS;LIBS;SOURCES" ${ARGN})
    add_library(ae_${name} OBJECT ${L_SOURCES})
    aeon_compile_options(ae_${name})
    target_link_libraries(ae_${name} PRIVATE ${L_LIBS})
    set(closure ${name})
    set(libs ${L_LIBS})
    foreach(below IN LISTS L_DEPENDS)
        get_property(c GLOBAL PROPERTY AEON_CLOSURE_${below})
        get_property(l GLOBAL PROPERTY AEON_LIBS_${below})
        list(APPEND closure ${c})
        list(APPEND libs ${l})
        target_link_libraries(ae_${name} PRIVATE ${l})
    endforeach()
    list(REMOVE_DUPLICATES closure)
    list(REMOVE_DUPLICATES libs)
    set_property(GLOBAL PROPERTY AEON_CLOSURE_${name} ${closure})
    set_property(GLOBAL PROPERTY AEON_LIBS_${name} ${libs})
endfunction()

function(aeon_link_layers target)
    set(all)
    foreach(name IN LISTS ARGN)
        get_property(closure GLOBAL PROPERTY AEON_CLOSURE_${name})
        get_property(libs GLOBAL PROPERTY AEON_LIBS_${name})
        list(APPEND all ${closure})
        target_link_libraries(${target} PRIVATE ${libs})
    endforeach()
    list(REMOVE_DUPLICATES all)
    foreach(name IN LISTS all)
        target_sources(${target} PRIVATE $<TARGET_OBJECTS:ae_${name}>)
    endforeach()
    target_link_libraries(${target} PRIVATE m)
endfunction()

function(aeon_test source)
    get_filename_component(name ${source} NAME_WE)
    add_executable(${name} ${source})
    aeon_compile_options(${name})
    target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
    target_compile_definitions(${name} PRIVATE AEON_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    target_link_libraries(${name} PRIVATE PkgConfig::CMOCKA)
    aeon_link_layers(${name} ${ARGN})
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 900)
endfunction()
